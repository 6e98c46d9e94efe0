/** The other end of the ISO 8583 channel: a bank's or an ATM network's switch, for demo, tests and integrators. */
export {
  connectBankSwitch,
  type BankAnswer,
  type BankSwitch,
  type BankSwitchOptions,
  type Exchange,
} from './bank-switch.ts';
export { openFileForwardStore, type FileForwardStore } from './file-forward-store.ts';
