/** A native Fabric network of the test's own, driven through its command as an operator would. */
import { execFile } from 'node:child_process';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { systemTimers } from '../../kernel/clock.ts';
import {
  openFabricChain,
  type FabricChain,
} from '../../reconciliation/anchoring/adapters/fabric-gateway.ts';
import { FABRIC_NETWORK, fabricProfile } from '../support/fabric-profile.ts';

const run = promisify(execFile);

export const ORIGIN = 'sanad.example/fabric-test';

export class TestNetwork {
  readonly logKeys: { readonly publicKey: KeyObject; readonly privateKey: KeyObject } =
    generateKeyPairSync('ed25519');
  /** Every node that can be killed: those that order, the peers, and the contract beside each peer. */
  readonly nodes: readonly string[];
  /** What it is, in a few words. */
  readonly description: string;
  /** Two organisations and one ordering node. */
  readonly isSmall: boolean;
  readonly #profile: string;
  readonly #folder: string;
  readonly #bin: string;

  /** `profile` is one of network-config/fabric/profiles.js. */
  constructor(profile: string, folder: string, bin: string) {
    this.#profile = profile;
    this.isSmall = profile === 'small';
    this.#folder = folder;
    this.#bin = bin;
    const { consensus, orderers, organisations } = fabricProfile(profile);
    this.nodes = [
      ...orderers.map(({ host }) => host),
      ...organisations.map(({ peer }) => peer.host),
      ...organisations.map(({ domain }) => `contract.${domain}`),
    ];
    this.description = `profile ${profile}: ${String(orderers.length)} ordering (${consensus}), ${String(organisations.length)} organisations`;
  }

  async #command(name: string, ...args: string[]): Promise<void> {
    const { PATH, HOME } = process.env;
    await run(process.execPath, [FABRIC_NETWORK, name, '--folder', this.#folder, ...args], {
      env: { PATH, HOME, FABRIC_BIN: this.#bin },
    });
  }

  /** Starts what does not run; ports far from those of a network that may stand on the same machine. */
  start(): Promise<void> {
    return this.#command('start', '--profile', this.#profile, '--port-shift', '30000');
  }

  /** Deploys the contract under a name; each name has a log of its own. */
  deploy(name: string): Promise<void> {
    return this.#command('deploy', '--name', name);
  }

  upgrade(name: string): Promise<void> {
    return this.#command('upgrade', '--name', name);
  }

  kill(node: string): Promise<void> {
    return this.#command('kill', '--node', node);
  }

  stop(): Promise<void> {
    return this.#command('stop');
  }

  /** The settings with which a product anchors here. */
  environment(chaincode: string): Record<string, string> {
    const client = path.join(this.#folder, 'clients/PITB-anchor');
    return {
      FABRIC_CONNECTION: path.join(this.#folder, 'connection.json'),
      FABRIC_MSP_ID: 'PITB',
      FABRIC_CERT: path.join(client, 'cert.pem'),
      FABRIC_KEY: path.join(client, 'key.pem'),
      FABRIC_CHAINCODE: chaincode,
      FABRIC_GATEWAYS: 'peer0.pitb.sanad.example,peer0.bor.sanad.example',
    };
  }

  open(chaincode: string): Promise<FabricChain> {
    const client = path.join(this.#folder, 'clients/PITB-anchor');
    return openFabricChain({
      settings: {
        connection: path.join(this.#folder, 'connection.json'),
        mspId: 'PITB',
        certificate: path.join(client, 'cert.pem'),
        key: path.join(client, 'key.pem'),
        channel: 'estamp',
        chaincode,
        gateways: ['peer0.pitb.sanad.example', 'peer0.bor.sanad.example'],
        endorsers: [],
      },
      signingKey: this.logKeys.privateKey,
      origin: ORIGIN,
      timers: systemTimers,
    });
  }

  /** What Fabric says of its own version. */
  async version(): Promise<string> {
    const { stdout } = await run(path.join(this.#bin, 'peer'), ['version']);
    return /Version: (\S+)/.exec(stdout)?.[1] ?? 'unknown';
  }

  /** The last lines of a node's log, for a failure's report. */
  async lastWords(node: string): Promise<string> {
    const text = await readFile(path.join(this.#folder, 'log', `${node}.log`), 'utf8');
    return text.split('\n').slice(-12).join('\n');
  }
}
