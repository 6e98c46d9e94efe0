/** Departments at the switch: who they are, and what they ask for. */
export { makeDepartmentDesk, type DepartmentChallan, type DepartmentDesk } from './desk.ts';
export { makeDepartmentKeys, type DepartmentKeys } from './keys.ts';
