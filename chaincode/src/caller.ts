/**
 * Who may call what: by organisation (the MSP id that the network gives the caller's certificate) and by the role
 * in the certificate (attribute `sanad.role`, set at enrolment; several roles are separated by spaces).
 */
import { ContractError } from './contract-error.ts';

/** The certificate attribute that carries the roles. */
export const ROLE_ATTRIBUTE = 'sanad.role';

const ORGANISATIONS = ['PITB', 'BoardOfRevenue', 'BankOfPunjab', 'AuditorGeneral'] as const;
type Organisation = (typeof ORGANISATIONS)[number];

interface Rule {
  readonly organisations: readonly Organisation[];
  /** Absent: every member of those organisations. */
  readonly role?: string;
}

/** The log is kept by PITB; the duty tables are the Board of Revenue's; everybody who takes part may read all. */
const RULES = {
  append: { organisations: ['PITB'], role: 'anchor' },
  'register-key': { organisations: ['PITB', 'BoardOfRevenue'], role: 'key-officer' },
  'register-table': { organisations: ['BoardOfRevenue'], role: 'table-officer' },
  read: { organisations: ORGANISATIONS },
} as const satisfies Readonly<Record<string, Rule>>;

export type Deed = keyof typeof RULES;

/** What the contract needs to know of a caller; fabric-shim's ClientIdentity has it. */
export interface Caller {
  getMSPID(): string;
  getAttributeValue(name: string): string | null;
}

/** Refuses with `organisation-unknown` or `role-missing` a caller who may not do this. */
export function checkMay(caller: Caller, deed: Deed): void {
  const rule: Rule = RULES[deed];
  const organisation = ORGANISATIONS.find((each) => each === caller.getMSPID());
  if (organisation === undefined) throw new ContractError('organisation-unknown');
  if (!rule.organisations.includes(organisation)) throw new ContractError('role-missing');
  if (rule.role === undefined) return;
  const roles = caller.getAttributeValue(ROLE_ATTRIBUTE)?.split(' ') ?? [];
  if (!roles.includes(rule.role)) throw new ContractError('role-missing');
}
