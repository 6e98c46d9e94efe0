// The nodes of a native network: what each is started with. Everything lies below one folder:
//
//   crypto/         certificates and keys (cryptogen)
//   config/         core.yaml, orderer.yaml, configtx.yaml
//   data/<host>/    what a node keeps
//   log/<host>.log  what it says
//   contract/       the contract's bundle, its package and each peer's connection to it
import { existsSync } from 'node:fs';
import path from 'node:path';

const HOST = '127.0.0.1';

/** Folders and files of an ordering node or peer: its MSP, its TLS key, certificate and authority. */
export function filesOf(folder, node) {
  const isPeer = node.peer !== undefined;
  const host = isPeer ? node.peer.host : node.host;
  const base = isPeer
    ? path.join(folder, 'crypto/peerOrganizations', node.domain, 'peers', host)
    : path.join(folder, 'crypto/ordererOrganizations', node.domain, 'orderers', host);
  return {
    host,
    msp: path.join(base, 'msp'),
    key: path.join(base, 'tls/server.key'),
    certificate: path.join(base, 'tls/server.crt'),
    authority: path.join(base, 'tls/ca.crt'),
    data: path.join(folder, 'data', host),
  };
}

/** The MSP of an organisation's administrator. */
export function adminMsp(folder, { domain }) {
  return path.join(folder, 'crypto/peerOrganizations', domain, 'users', `Admin@${domain}`, 'msp');
}

/** Where an ordering node keeps its blocks; a network of one node that was made earlier has them beside its settings. */
function ordererLedger(folder, data) {
  const early = path.join(folder, 'config');
  return existsSync(path.join(early, 'chains')) ? early : path.join(data, 'ledger');
}

export function ordererNode(folder, orderer) {
  const { host, msp, key, certificate, authority, data } = filesOf(folder, orderer);
  const authorities = `[${authority}]`;
  return {
    name: host,
    command: 'orderer',
    args: [],
    env: {
      FABRIC_CFG_PATH: path.join(folder, 'config'),
      ORDERER_GENERAL_LISTENADDRESS: HOST,
      ORDERER_GENERAL_LISTENPORT: String(orderer.port),
      ORDERER_GENERAL_LOCALMSPID: orderer.mspId,
      ORDERER_GENERAL_LOCALMSPDIR: msp,
      ORDERER_GENERAL_TLS_PRIVATEKEY: key,
      ORDERER_GENERAL_TLS_CERTIFICATE: certificate,
      ORDERER_GENERAL_TLS_ROOTCAS: authorities,
      ORDERER_GENERAL_CLUSTER_CLIENTPRIVATEKEY: key,
      ORDERER_GENERAL_CLUSTER_CLIENTCERTIFICATE: certificate,
      ORDERER_GENERAL_CLUSTER_ROOTCAS: authorities,
      ORDERER_FILELEDGER_LOCATION: ordererLedger(folder, data),
      ORDERER_CONSENSUS_WALDIR: path.join(data, 'wal'),
      ORDERER_CONSENSUS_SNAPDIR: path.join(data, 'snapshots'),
      ORDERER_ADMIN_LISTENADDRESS: `${HOST}:${orderer.adminPort}`,
      ORDERER_ADMIN_TLS_PRIVATEKEY: key,
      ORDERER_ADMIN_TLS_CERTIFICATE: certificate,
      ORDERER_ADMIN_TLS_ROOTCAS: authorities,
      ORDERER_ADMIN_TLS_CLIENTROOTCAS: authorities,
      ORDERER_OPERATIONS_LISTENADDRESS: `${HOST}:${orderer.operationsPort}`,
    },
    health: `http://${HOST}:${orderer.operationsPort}/healthz`,
  };
}

/** What the programs `peer` are told of a peer: the node itself, and an administrator that calls it. */
export function peerEnvironment(folder, organisation, mspFolder) {
  const { key, certificate, authority } = filesOf(folder, organisation);
  return {
    FABRIC_CFG_PATH: path.join(folder, 'config'),
    CORE_PEER_LOCALMSPID: organisation.mspId,
    CORE_PEER_MSPCONFIGPATH: mspFolder,
    CORE_PEER_ADDRESS: `${HOST}:${organisation.peer.port}`,
    CORE_PEER_TLS_ENABLED: 'true',
    CORE_PEER_TLS_KEY_FILE: key,
    CORE_PEER_TLS_CERT_FILE: certificate,
    CORE_PEER_TLS_ROOTCERT_FILE: authority,
  };
}

export function peerNode(folder, organisation, builderFolder) {
  const { host, msp, data } = filesOf(folder, organisation);
  const { port, chaincodePort, operationsPort } = organisation.peer;
  const address = `${HOST}:${port}`;
  return {
    name: host,
    command: 'peer',
    args: ['node', 'start'],
    env: {
      ...peerEnvironment(folder, organisation, msp),
      CORE_PEER_ID: host,
      CORE_PEER_LISTENADDRESS: address,
      CORE_PEER_CHAINCODELISTENADDRESS: `${HOST}:${chaincodePort}`,
      CORE_PEER_GOSSIP_BOOTSTRAP: address,
      CORE_PEER_GOSSIP_ENDPOINT: address,
      CORE_PEER_GOSSIP_EXTERNALENDPOINT: address,
      CORE_PEER_FILESYSTEMPATH: data,
      CORE_LEDGER_SNAPSHOTS_ROOTDIR: path.join(data, 'snapshots'),
      CORE_OPERATIONS_LISTENADDRESS: `${HOST}:${operationsPort}`,
      CORE_CHAINCODE_EXTERNALBUILDERS: `[{name: sanad, path: ${builderFolder}, propagateEnvironment: [PATH, SANAD_CONTRACT_CONNECTION]}]`,
      SANAD_CONTRACT_CONNECTION: connectionFile(folder, organisation),
    },
    health: `http://${HOST}:${operationsPort}/healthz`,
  };
}

/** Where a peer reads how to reach the contract beside it. */
export function connectionFile(folder, organisation) {
  return path.join(folder, 'contract', `${organisation.peer.host}.connection.json`);
}

/** The contract's service beside a peer; it and the peer know each other by the peer's TLS certificates. */
export function contractNode(folder, organisation, contract) {
  const { key, certificate, authority } = filesOf(folder, organisation);
  return {
    name: `contract.${organisation.domain}`,
    command: process.execPath,
    args: [
      contract.shim,
      'server',
      `--chaincode-address=${HOST}:${organisation.peer.servicePort}`,
      `--chaincode-id=${contract.packageId}`,
      `--chaincode-tls-key-file=${key}`,
      `--chaincode-tls-cert-file=${certificate}`,
      `--chaincode-tls-client-cacert-file=${authority}`,
    ],
    cwd: contract.folder,
    env: {},
    port: organisation.peer.servicePort,
  };
}
