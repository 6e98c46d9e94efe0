// The networks that this folder can build: who takes part, who orders, on which ports. The native scripts, the
// connection profiles and the tests read this; compose files and configtx.yaml say the same and are compared with
// it by profiles.test.ts.

/** The four organisations. Each has its own authority, its peer and its own running copy of the contract. */
const ORGANISATIONS = [
  { mspId: 'PITB', domain: 'pitb.sanad.example' },
  { mspId: 'BoardOfRevenue', domain: 'bor.sanad.example' },
  { mspId: 'BankOfPunjab', domain: 'bop.sanad.example' },
  { mspId: 'AuditorGeneral', domain: 'agp.sanad.example' },
].map((organisation, at) => ({
  ...organisation,
  peer: {
    host: `peer0.${organisation.domain}`,
    /** Clients, gossip and other peers. */
    port: 7110 + 10 * at,
    /** Where chaincode that the peer itself starts would call back; none does here, and the port must be its own. */
    chaincodePort: 7112 + 10 * at,
    /** Health and metrics. */
    operationsPort: 7114 + 10 * at,
    /** The contract's service beside this peer. */
    servicePort: 7116 + 10 * at,
  },
}));

/** Ordering nodes; the node of an organisation stands under an authority of its own. */
const ORDERERS = ORGANISATIONS.map(({ mspId, domain }, at) => ({
  mspId: `${mspId}Orderer`,
  domain: `ordering.${domain}`,
  host: `orderer0.ordering.${domain}`,
  port: 7050 + 10 * at,
  /** Channel participation (osnadmin). */
  adminPort: 7053 + 10 * at,
  operationsPort: 7054 + 10 * at,
}));

const [pitb, revenue, bank, auditor] = ORGANISATIONS.map((each) => `'${each.mspId}.peer'`);

export const CHANNEL = 'estamp';
export const CHAINCODE = 'sanad';

export const PROFILES = {
  /** Two organisations and one ordering node: for trials and tests. */
  small: {
    configtx: 'Small',
    consensus: 'etcdraft',
    organisations: ORGANISATIONS.slice(0, 2),
    orderers: ORDERERS.slice(0, 1),
    endorsement: `AND(${pitb}, ${revenue})`,
  },
  /** Four organisations, three Raft consenters: survives the loss of any one node. */
  production: {
    configtx: 'Production',
    consensus: 'etcdraft',
    organisations: ORGANISATIONS,
    orderers: ORDERERS.slice(0, 3),
    endorsement: `AND(${pitb}, OR(${revenue}, ${bank}, ${auditor}))`,
  },
  /** The same with four SmartBFT consenters, one of each organisation: one of them may even lie. Fabric 3 only. */
  'production-bft': {
    configtx: 'ProductionBft',
    consensus: 'BFT',
    organisations: ORGANISATIONS,
    orderers: ORDERERS,
    endorsement: `AND(${pitb}, OR(${revenue}, ${bank}, ${auditor}))`,
  },
};

/** A profile by name, with every port moved by `shift`, so that several networks can stand on one machine. */
export function profile(name, shift = 0) {
  if (!Object.hasOwn(PROFILES, name)) {
    throw new Error(`There is no profile ${name}; known are ${Object.keys(PROFILES).join(', ')}.`);
  }
  const moved = (ports) =>
    Object.fromEntries(
      Object.entries(ports).map(([key, value]) => [
        key,
        typeof value === 'number' ? value + shift : value,
      ]),
    );
  const { organisations, orderers, ...rest } = PROFILES[name];
  return {
    name,
    ...rest,
    organisations: organisations.map((each) => ({ ...each, peer: moved(each.peer) })),
    orderers: orderers.map(moved),
  };
}
