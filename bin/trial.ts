/**
 * The trial participants of a fresh installation: one for each channel, all of the sandbox, reachable from this machine
 * only. Their credentials lie in `trial.json` of the data folder; `sanad conformance` reads them there.
 */
import { generateKeyPairSync, createPublicKey, type KeyObject } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../kernel/clock.ts';
import type { Database } from '../kernel/database.ts';
import type { IdMaker, Random } from '../kernel/ids.ts';
import { paisa } from '../kernel/money.ts';
import { openAccount, settlementAccount } from '../ledger/index.ts';
import {
  listParticipants,
  registerParticipant,
  registerTill,
  saltContext,
  type ParticipantDraft,
  type RegistrationDeps,
  type SecretBox,
} from '../switch/index.ts';
import { writePrivateJson } from './private-file.ts';

/** Most that one payment of a trial participant may move: Rs 50,000,000, so that a limit can be seen to be kept. */
const TRIAL_LIMIT = paisa(5_000_000_000n);

interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** Credentials with which a newcomer can try the channels; made at the first start, kept in the data folder. */
export interface Trial {
  readonly iso8583: { readonly institutionId: string };
  readonly onebill: Credentials & { readonly bankMnemonic: string };
  readonly jazzcash: {
    readonly merchantId: string;
    readonly password: string;
    readonly salt: string;
  };
  readonly easypaisa: Credentials & {
    readonly storeId: string;
    /** PKCS #8 PEM of the wallet. */
    readonly privateKey: string;
    /** SPKI PEM of the switch. */
    readonly switchKey: string;
  };
  readonly otc: Credentials & {
    readonly branch: string;
    readonly till: string;
    readonly teller: string;
  };
}

export interface TrialDeps {
  readonly database: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly ids: IdMaker;
  readonly shard: number;
  readonly box: SecretBox;
  /** The switch's own key toward Easypaisa. */
  readonly easypaisaKey: KeyObject;
  readonly dataFolder: string;
}

function newTrial({ random, easypaisaKey }: TrialDeps): Trial {
  const password = (): string => random.bytes(18).toString('base64url');
  const wallet = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  return {
    iso8583: { institutionId: '586001' },
    onebill: { username: 'trial-onelink', password: password(), bankMnemonic: 'TRIALBNK' },
    jazzcash: { merchantId: 'MCTRIAL', password: password(), salt: password() },
    easypaisa: {
      username: 'trial-easypaisa',
      password: password(),
      storeId: '586641',
      privateKey: wallet.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      switchKey: createPublicKey(easypaisaKey).export({ type: 'spki', format: 'pem' }).toString(),
    },
    otc: {
      username: 'trial-branches',
      password: password(),
      branch: '0001',
      till: 'T1',
      teller: 'trial.teller',
    },
  };
}

function draftsOf(trial: Trial, box: SecretBox): ParticipantDraft[] {
  const everybody = {
    allowedAddresses: ['127.0.0.1', '::1'],
    limitPerTransaction: TRIAL_LIMIT,
  };
  const credentials = ({ username, password }: Credentials): Credentials => ({
    username,
    password,
  });
  const salt = box.seal(Buffer.from(trial.jazzcash.salt), saltContext('TRIALJAZZ'));
  const publicKey = createPublicKey(trial.easypaisa.privateKey)
    .export({ type: 'spki', format: 'der' })
    .toString('base64');
  const { merchantId, password } = trial.jazzcash;
  return [
    {
      ...everybody,
      code: 'TRIALATM',
      name: 'Trial Bank (ATM)',
      channel: 'iso8583',
      institutionId: trial.iso8583.institutionId,
      settings: { sandbox: true },
    },
    {
      ...everybody,
      code: 'TRIAL1LINK',
      name: 'Trial Bank (1BILL)',
      channel: 'onebill',
      credentials: credentials(trial.onebill),
      settings: { sandbox: true },
    },
    {
      ...everybody,
      code: 'TRIALJAZZ',
      name: 'Trial Wallet (JazzCash)',
      channel: 'jazzcash',
      credentials: { username: merchantId, password },
      settings: { sandbox: true, jazzcash: { salts: [{ id: 'trial', sealed: salt }] } },
    },
    {
      ...everybody,
      code: 'TRIALEASY',
      name: 'Trial Wallet (Easypaisa)',
      channel: 'easypaisa',
      credentials: credentials(trial.easypaisa),
      settings: {
        sandbox: true,
        easypaisa: { storeId: trial.easypaisa.storeId, keys: [{ id: 'trial', publicKey }] },
      },
    },
    {
      ...everybody,
      code: 'TRIALOTC',
      name: 'Trial Branches (OTC)',
      channel: 'otc',
      credentials: credentials(trial.otc),
      settings: { sandbox: true },
    },
  ];
}

async function readTrial(file: string): Promise<Partial<Trial> | undefined> {
  // Our own file, written below.
  return existsSync(file)
    ? (JSON.parse(await readFile(file, 'utf8')) as Partial<Trial>)
    : undefined;
}

/** How participants are registered in one shard's books. */
function registrationDeps(
  deps: Pick<TrialDeps, 'database' | 'clock' | 'random' | 'ids' | 'shard'>,
): RegistrationDeps {
  const { database, clock, random, ids, shard } = deps;
  return {
    database,
    clock,
    random,
    openAccounts: async (tx, code) => {
      await openAccount(tx, settlementAccount(shard, code), ids);
    },
  };
}

/**
 * The trial credentials, registered where they are missing and nobody real is registered. Undefined when the books are
 * no sandbox, or one of another data folder.
 */
export async function ensureTrial(deps: TrialDeps): Promise<Trial | undefined> {
  const file = path.join(deps.dataFolder, 'trial.json');
  const there = await listParticipants(deps.database);
  const known = await readTrial(file);
  const isTrial = there.length === 0 || known !== undefined;
  if (!isTrial || there.some(({ sandbox }) => !sandbox)) return undefined;
  const trial: Trial = { ...newTrial(deps), ...known };
  // The file first: a start that is cut off between the two goes on with it.
  await writePrivateJson(file, trial);
  for (const draft of draftsOf(trial, deps.box)) {
    if (there.some(({ code }) => code === draft.code)) continue;
    await registerParticipant(draft, registrationDeps(deps));
  }
  const { branch, till } = trial.otc;
  await registerTill(deps.database, { participant: 'TRIALOTC', branch, till }, deps.clock);
  return trial;
}
