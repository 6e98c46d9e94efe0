// A native Fabric network on this machine, from a folder of Fabric's own programs, without Docker. Trials and tests;
// README.md says what production does otherwise.
//
//   node network-config/fabric/network.js start   --folder DIR [--profile small] [--port-shift N]
//   node network-config/fabric/network.js deploy  --folder DIR [--name sanad]     (several names are separated by commas)
//   node network-config/fabric/network.js upgrade --folder DIR [--name sanad]
//   node network-config/fabric/network.js status  --folder DIR
//   node network-config/fabric/network.js kill    --folder DIR --node NAME   (kill -9, for tests)
//   node network-config/fabric/network.js stop    --folder DIR
//   node network-config/fabric/network.js prepare --folder DIR --docker [--profile production]
//
// FABRIC_BIN names the folder with peer, orderer, configtxgen, cryptogen and osnadmin. `start` may be run again after
// a stop or a crash: it makes what is missing and starts what does not run.
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  writeFileSync,
} from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import { buildContract } from '../../chaincode/build.js';
import { packageContract } from '../../chaincode/package-builder.js';
import {
  adminMsp,
  connectionFile,
  contractNode,
  filesOf,
  ordererNode,
  peerEnvironment,
  peerNode,
} from './nodes.js';
import { CHAINCODE, CHANNEL, profile } from './profiles.js';

const run = promisify(execFile);
const here = import.meta.dirname;
const chaincodeFolder = path.resolve(here, '../../chaincode');
const PATIENCE_MS = 90_000;
const DAYS = 365;
/** Peers tell each other every two seconds which contracts they run; the gateway finds endorsers by that. */
const GOSSIP_MS = 5_000;

function say(line) {
  process.stderr.write(`${line}\n`);
}

function programs() {
  const folder = process.env.FABRIC_BIN;
  if (!folder || !existsSync(path.join(folder, 'peer')))
    throw new Error(
      'Set FABRIC_BIN to the folder with peer, orderer, configtxgen, cryptogen and osnadmin.',
    );
  return path.resolve(folder);
}

/** Runs one of Fabric's programs to its end; its last words are the error. */
async function fabric(program, args, env = {}) {
  try {
    const { stdout, stderr } = await run(path.join(programs(), program), args, {
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
      maxBuffer: 64 * 1024 * 1024,
    });
    return stdout + stderr;
  } catch (error) {
    const words = `${error.stdout ?? ''}${error.stderr ?? ''}`
      .trim()
      .split('\n')
      .slice(-3)
      .join(' · ');
    throw new Error(`${program} ${args.slice(0, 4).join(' ')}: ${words}`, { cause: error });
  }
}

async function until(what, holds) {
  const deadline = Date.now() + PATIENCE_MS;
  let last;
  while (Date.now() < deadline) {
    try {
      if (await holds()) return;
    } catch (error) {
      last = error;
    }
    await sleep(250);
  }
  throw new Error(`Waited in vain for ${what}.`, { cause: last });
}

// ------------------------------------------------------------------ what is kept beside the network

function stateFile(folder) {
  return path.join(folder, 'network.json');
}

function readState(folder) {
  if (!existsSync(stateFile(folder)))
    throw new Error(`There is no network in ${folder}; run start first.`);
  return JSON.parse(readFileSync(stateFile(folder), 'utf8'));
}

function writeState(folder, state) {
  writeFileSync(stateFile(folder), `${JSON.stringify(state, undefined, 2)}\n`);
}

// ------------------------------------------------------------------ certificates, channel, settings

/** Fills a template in. `hostOf` says where a node is reached: on this machine, or in Docker by its name. */
function fillIn(template, folder, network, hostOf) {
  let text = readFileSync(path.join(here, 'templates', template), 'utf8').replaceAll(
    '@CRYPTO@',
    path.join(folder, 'crypto'),
  );
  const nodes = [...network.orderers, ...network.organisations.map(({ peer }) => peer)];
  for (const node of nodes)
    text = text
      .replaceAll(`@${node.host}:port@`, String(node.port))
      .replaceAll(`@${node.host}@`, hostOf(node));
  // Nodes of other profiles: configtxgen reads the whole file and uses one profile of it.
  return text
    .replaceAll(/@[a-z0-9.]+:port@/g, '1')
    .replaceAll(/@[a-z0-9.]+\.example@/g, '127.0.0.1');
}

/**
 * A client's certificate with a role in it (attribute `sanad.role`), signed by the organisation's trial authority the
 * way Fabric CA writes attributes (extension 1.2.3.4.5.6.7.8.1). Cryptogen makes none with attributes.
 */
async function enrol(folder, organisation, name, role) {
  const out = path.join(folder, 'clients', `${organisation.mspId}-${name}`);
  if (existsSync(path.join(out, 'cert.pem'))) return;
  mkdirSync(out, { recursive: true, mode: 0o700 });
  const ca = path.join(folder, 'crypto/peerOrganizations', organisation.domain, 'ca');
  const caKey = readdirSync(ca).find((file) => file.endsWith('_sk'));
  const at = (file) => path.join(out, file);
  const attributes = Buffer.from(JSON.stringify({ attrs: { 'sanad.role': role } })).toString('hex');
  writeFileSync(
    at('extensions'),
    `keyUsage=critical,digitalSignature\nbasicConstraints=critical,CA:FALSE\nauthorityKeyIdentifier=keyid\n1.2.3.4.5.6.7.8.1=DER:${attributes}\n`,
  );
  await run('openssl', [
    ...['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
    ...['-out', at('key.pem')],
  ]);
  await run('openssl', [
    ...['req', '-new', '-key', at('key.pem'), '-subj', `/OU=client/CN=${name}`],
    ...['-out', at('request.pem')],
  ]);
  await run('openssl', [
    ...['x509', '-req', '-in', at('request.pem'), '-days', String(DAYS)],
    ...['-extfile', at('extensions')],
    ...['-CA', path.join(ca, `ca.${organisation.domain}-cert.pem`), '-CAkey', path.join(ca, caKey)],
    ...['-CAserial', at('serial'), '-CAcreateserial', '-out', at('cert.pem')],
  ]);
}

/** `connection.json`: where the peers are, in the form that Fabric's own tools write. */
function writeConnection(folder, network) {
  const organizations = {};
  const peers = {};
  for (const organisation of network.organisations) {
    const { host, port } = organisation.peer;
    organizations[organisation.mspId] = { mspid: organisation.mspId, peers: [host] };
    peers[host] = {
      url: `grpcs://127.0.0.1:${port}`,
      tlsCACerts: { path: path.relative(folder, filesOf(folder, organisation).authority) },
      grpcOptions: { 'ssl-target-name-override': host },
    };
  }
  writeFileSync(
    path.join(folder, 'connection.json'),
    `${JSON.stringify({ name: `sanad-${network.name}`, version: '1.0', channel: CHANNEL, organizations, peers }, undefined, 2)}\n`,
  );
}

function writeContractConnections(folder, network, isDocker) {
  for (const organisation of network.organisations) {
    const { key, certificate, authority } = filesOf(folder, organisation);
    const text = (file) => readFileSync(file, 'utf8');
    const connection = {
      address: `${isDocker ? `contract.${organisation.domain}` : '127.0.0.1'}:${organisation.peer.servicePort}`,
      dial_timeout: '10s',
      tls_required: true,
      client_auth_required: true,
      root_cert: text(authority),
      client_cert: text(certificate),
      client_key: text(key),
    };
    writeFileSync(connectionFile(folder, organisation), JSON.stringify(connection), {
      mode: 0o600,
    });
  }
}

async function prepare(folder, network, isDocker = false) {
  for (const part of ['config', 'data', 'log', 'contract', 'clients'])
    mkdirSync(path.join(folder, part), { recursive: true });
  if (!existsSync(path.join(folder, 'crypto'))) {
    say('making certificates …');
    await fabric('cryptogen', [
      'generate',
      `--config=${path.join(here, 'templates/crypto-config.yaml')}`,
      `--output=${path.join(folder, 'crypto')}`,
    ]);
  }
  for (const file of ['core.yaml', 'orderer.yaml', 'configtx.yaml'])
    writeFileSync(
      path.join(folder, 'config', file),
      fillIn(file, folder, network, ({ host }) => (isDocker ? host : '127.0.0.1')),
    );
  const block = path.join(folder, `${CHANNEL}.block`);
  if (!existsSync(block))
    await fabric('configtxgen', [
      ...['-configPath', path.join(folder, 'config'), '-profile', network.configtx],
      ...['-channelID', CHANNEL, '-outputBlock', block],
    ]);
  writeConnection(folder, network);
  writeContractConnections(folder, network, isDocker);
  const [pitb, revenue] = network.organisations;
  await enrol(folder, pitb, 'anchor', 'anchor');
  await enrol(folder, revenue, 'officer', 'table-officer key-officer');
}

// ------------------------------------------------------------------ processes

/** True when the process lives and is the one that was started: the system may have given its number to another. */
function lives(started) {
  if (started === undefined) return false;
  try {
    const { state, startTime } = processOf(started.pid);
    return state !== 'Z' && startTime === started.startTime;
  } catch {
    return false;
  }
}

/** State and start time of a process, the third and the 22nd field of its stat (proc(5)); its name may hold blanks. */
function processOf(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0], startTime: fields[19] };
}

function startNode(folder, state, node) {
  if (lives(state.running[node.name])) return;
  const log = openSync(path.join(folder, 'log', `${node.name}.log`), 'a');
  const command = path.isAbsolute(node.command)
    ? node.command
    : path.join(programs(), node.command);
  const child = spawn(command, node.args, {
    cwd: node.cwd ?? folder,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...node.env },
    stdio: ['ignore', log, log],
    detached: true,
  });
  closeSync(log);
  if (child.pid === undefined) throw new Error(`${node.command} could not be started.`);
  child.unref();
  state.running[node.name] = { pid: child.pid, startTime: processOf(child.pid).startTime };
  writeState(folder, state);
}

function portAnswers(port) {
  return new Promise((resolve) => {
    const socket = net.connect({ host: '127.0.0.1', port });
    socket.once('connect', () => resolve(true) ?? socket.destroy());
    socket.once('error', () => resolve(false));
  });
}

async function isHealthy(node) {
  if (node.health === undefined) return portAnswers(node.port);
  const answer = await fetch(node.health);
  return answer.ok;
}

function nodesOf(folder, network) {
  return [
    ...network.orderers.map((orderer) => ordererNode(folder, orderer)),
    ...network.organisations.map((each) => peerNode(folder, each, path.join(here, 'builder'))),
  ];
}

function contractsOf(folder, network, state) {
  if (state.contract === undefined) return [];
  const shim = path.join(
    path.dirname(new URL(import.meta.resolve('fabric-shim')).pathname),
    'cli.js',
  );
  return network.organisations.map((each) =>
    contractNode(folder, each, {
      shim,
      folder: chaincodeFolder,
      packageId: state.contract.packageId,
    }),
  );
}

async function waitFor(nodes) {
  for (const node of nodes) await until(node.name, () => isHealthy(node));
}

// ------------------------------------------------------------------ commands

async function start(folder, options) {
  const known = existsSync(stateFile(folder)) ? readState(folder) : undefined;
  const name = known?.profile ?? options.profile ?? 'small';
  const shift = known?.shift ?? Number(options['port-shift'] ?? 0);
  const network = profile(name, shift);
  const state = known ?? { profile: name, shift, running: {} };
  mkdirSync(folder, { recursive: true });
  await prepare(folder, network);
  writeState(folder, state);
  say('starting the nodes …');
  const nodes = nodesOf(folder, network);
  for (const node of nodes) startNode(folder, state, node);
  if (state.contract !== undefined) {
    await buildContract();
    for (const node of contractsOf(folder, network, state)) startNode(folder, state, node);
  }
  await waitFor(nodes);
  await joinOrderers(folder, network);
  await joinPeers(folder, network);
  if (state.contract !== undefined) await waitFor(contractsOf(folder, network, state));
  say(`the network ${name} is up: ${path.join(folder, 'connection.json')}`);
}

async function joinOrderers(folder, network) {
  for (const orderer of network.orderers) {
    const { key, certificate, authority } = filesOf(folder, orderer);
    const admin = [
      ...['-o', `127.0.0.1:${orderer.adminPort}`, '--ca-file', authority],
      ...['--client-cert', certificate, '--client-key', key],
    ];
    const block = path.join(folder, `${CHANNEL}.block`);
    await until(`${orderer.host} in the channel`, async () => {
      const listed = await fabric('osnadmin', [
        'channel',
        'list',
        '--channelID',
        CHANNEL,
        ...admin,
      ]);
      if (/"status": "active"/.test(listed)) return true;
      if (/404/.test(listed))
        await fabric('osnadmin', [
          'channel',
          'join',
          ...['--channelID', CHANNEL, '--config-block', block, ...admin],
        ]);
      return false;
    });
  }
}

async function joinPeers(folder, network) {
  for (const organisation of network.organisations) {
    const env = peerEnvironment(folder, organisation, adminMsp(folder, organisation));
    await until(`${organisation.peer.host} in the channel`, async () => {
      if ((await fabric('peer', ['channel', 'list'], env)).includes(CHANNEL)) return true;
      await fabric('peer', ['channel', 'join', '-b', path.join(folder, `${CHANNEL}.block`)], env);
      return true;
    });
  }
}

/** Builds the contract and writes its package, whose name and id come from its content. */
async function writeContract(folder, bundleFolder) {
  const bundle = readFileSync(await buildContract(bundleFolder));
  const label = `sanad_${createHash('sha256').update(bundle).digest('hex').slice(0, 12)}`;
  const { bytes, id: packageId } = packageContract(bundle, label);
  const file = path.join(folder, 'contract', `${label}.tar.gz`);
  writeFileSync(file, bytes);
  return { label, file, packageId };
}

/** Installs, approves and commits a version of the contract, and starts its services. */
async function deploy(folder, options, isUpgrade) {
  const state = readState(folder);
  const network = profile(state.profile, state.shift);
  const names = (options.name ?? CHAINCODE).split(',');
  for (const name of names)
    if (isUpgrade !== (state.contract?.sequences[name] ?? 0) > 0)
      throw new Error(
        isUpgrade
          ? `${name} is not deployed yet; use deploy.`
          : `${name} is deployed; use upgrade.`,
      );
  const { label, file, packageId } = await writeContract(folder);
  if (state.contract?.packageId !== packageId)
    for (const node of contractsOf(folder, network, state))
      await end(state.running[node.name], 'SIGTERM');
  state.contract = { packageId, sequences: { ...state.contract?.sequences } };
  writeState(folder, state);
  const contracts = contractsOf(folder, network, state);
  for (const node of contracts) startNode(folder, state, node);
  await waitFor(contracts);
  for (const name of names) {
    say(`${isUpgrade ? 'upgrading' : 'deploying'} ${name} …`);
    const sequence = (state.contract.sequences[name] ?? 0) + 1;
    await installAndApprove(folder, network, { name, sequence, label, file, packageId });
    state.contract.sequences[name] = sequence;
    writeState(folder, state);
    say(`${name} is committed, sequence ${sequence}, package ${packageId}`);
  }
  await sleep(GOSSIP_MS);
}

async function installAndApprove(folder, network, { name, sequence, label, file, packageId }) {
  const [orderer] = network.orderers;
  const definition = [
    ...['--channelID', CHANNEL, '--name', name, '--version', label, '--sequence', String(sequence)],
    ...['--signature-policy', network.endorsement, '-o', `127.0.0.1:${orderer.port}`],
    ...[
      '--ordererTLSHostnameOverride',
      orderer.host,
      '--tls',
      '--cafile',
      filesOf(folder, orderer).authority,
    ],
  ];
  for (const organisation of network.organisations) {
    const env = peerEnvironment(folder, organisation, adminMsp(folder, organisation));
    const installed = await fabric('peer', ['lifecycle', 'chaincode', 'queryinstalled'], env);
    if (!installed.includes(packageId))
      await fabric('peer', ['lifecycle', 'chaincode', 'install', file], env);
    await fabric(
      'peer',
      ['lifecycle', 'chaincode', 'approveformyorg', ...definition, '--package-id', packageId],
      env,
    );
  }
  const peers = network.organisations.flatMap((each) => [
    ...['--peerAddresses', `127.0.0.1:${each.peer.port}`],
    ...['--tlsRootCertFiles', filesOf(folder, each).authority],
  ]);
  const [first] = network.organisations;
  await fabric(
    'peer',
    ['lifecycle', 'chaincode', 'commit', ...definition, ...peers],
    peerEnvironment(folder, first, adminMsp(folder, first)),
  );
}

async function end(started, signal) {
  if (!lives(started)) return;
  process.kill(started.pid, signal);
  await until(`the end of process ${started.pid}`, () => !lives(started));
}

async function stop(folder) {
  const state = readState(folder);
  for (const started of Object.values(state.running).reverse()) await end(started, 'SIGTERM');
  state.running = {};
  writeState(folder, state);
  say('the network is stopped');
}

/** Makes all that the compose file of a profile mounts, and prints the id of the contract's package. */
async function prepareDocker(folder, options) {
  const network = profile(options.profile ?? 'production');
  mkdirSync(folder, { recursive: true });
  await prepare(folder, network, true);
  cpSync(path.join(here, 'builder'), path.join(folder, 'builder'), { recursive: true });
  cpSync(path.join(here, 'compose', `${network.name}.yaml`), path.join(folder, 'compose.yaml'));
  const service = path.join(folder, 'contract/service');
  const { packageId } = await writeContract(folder, path.join(service, 'dist'));
  cpSync(path.join(chaincodeFolder, 'package.json'), path.join(service, 'package.json'));
  say(`run npm install --omit=dev in ${service}, then compose.yaml with SANAD_CONTRACT_ID=`);
  process.stdout.write(`${packageId}\n`);
}

async function status(folder) {
  const state = readState(folder);
  const network = profile(state.profile, state.shift);
  const nodes = [...nodesOf(folder, network), ...contractsOf(folder, network, state)];
  const rows = await Promise.all(
    nodes.map(async (node) => ({
      node: node.name,
      pid: state.running[node.name]?.pid ?? null,
      running: lives(state.running[node.name]),
      healthy: await isHealthy(node).catch(() => false),
    })),
  );
  process.stdout.write(
    `${JSON.stringify({ profile: state.profile, contract: state.contract ?? null, nodes: rows }, undefined, 2)}\n`,
  );
  return rows.every(({ healthy }) => healthy);
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      docker: { type: 'boolean' },
      ...Object.fromEntries(
        ['folder', 'profile', 'port-shift', 'name', 'node'].map((each) => [
          each,
          { type: 'string' },
        ]),
      ),
    },
  });
  const [command] = positionals;
  const known = ['start', 'deploy', 'upgrade', 'status', 'kill', 'stop', 'prepare', 'describe'];
  if (command === 'describe') {
    process.stdout.write(`${JSON.stringify(profile(values.profile ?? 'small'))}\n`);
    return true;
  }
  if (!known.includes(command) || values.folder === undefined)
    throw new Error(
      `Usage: node network.js ${known.join('|')} --folder DIR [--profile NAME] [--port-shift N] [--name NAME] [--node NAME]`,
    );
  const folder = path.resolve(values.folder);
  if (command === 'start') await start(folder, values);
  else if (command === 'deploy' || command === 'upgrade')
    await deploy(folder, values, command === 'upgrade');
  else if (command === 'stop') await stop(folder);
  else if (command === 'prepare') await prepareDocker(folder, values);
  else if (command === 'kill') await end(readState(folder).running[values.node], 'SIGKILL');
  else return status(folder);
  return true;
}

try {
  process.exitCode = (await main()) ? 0 : 1;
} catch (error) {
  say(error.message);
  process.exitCode = 1;
}
