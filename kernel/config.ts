/**
 * Configuration: the only reader of the environment (beside the embedded server's PATH). It is parsed once at
 * start and lists every bad key at once. There is no default for a secret or for an outside address.
 */
import path from 'node:path';
import { z } from 'zod';
import { Fault } from './fault.ts';
import { packageRoot } from './package-root.ts';

const port = z.coerce.number().int().min(0).max(65_535);

/** Names separated by commas. */
const names = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
  );

const schema = z.object({
  /** Any PostgreSQL 15 or newer; the embedded one when absent. */
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must begin with postgres://')
    .optional(),
  SANAD_DATA_DIR: z.string().min(1).optional(),
  SANAD_HOST: z.string().min(1).default('127.0.0.1'),
  SANAD_HTTP_PORT: port.default(8080),
  SANAD_ISO8583_PORT: port.default(8583),
  /** Name of a built-in spec, or a profile file, that the ISO 8583 line speaks. */
  SANAD_ISO8583_PROFILE: z.string().min(1).default('iso87-ascii'),
  /** Files (PEM) of the line's TLS: key, certificate, the clients' authorities and, if any, their revocation list. */
  SANAD_ISO8583_TLS_KEY: z.string().min(1).optional(),
  SANAD_ISO8583_TLS_CERT: z.string().min(1).optional(),
  SANAD_ISO8583_TLS_CA: z.string().min(1).optional(),
  SANAD_ISO8583_TLS_CRL: z.string().min(1).optional(),
  /** The address that the QR of a stamp opens; the HTTP address of this machine when absent. */
  SANAD_PUBLIC_URL: z.url({ protocol: /^https?$/ }).optional(),
  /** Days for which a challan can be paid. [A] */
  SANAD_CHALLAN_DAYS: z.coerce.number().int().min(1).max(365).default(15),
  SANAD_LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug']).default('warn'),
  SANAD_NODE: z.coerce.number().int().min(0).max(31).default(0),
  /** The name of the public log in its checkpoints. */
  SANAD_LOG_ORIGIN: z
    .string()
    .regex(/^[a-z0-9.-]+\/[a-z0-9/-]+$/)
    .default('sanad.example/estamp'),
  /** A Fabric network that keeps the log (docs/operating/anchoring.md); the embedded chain when absent. */
  FABRIC_CONNECTION: z.string().min(1).optional(),
  FABRIC_MSP_ID: z.string().min(1).optional(),
  FABRIC_CERT: z.string().min(1).optional(),
  FABRIC_KEY: z.string().min(1).optional(),
  FABRIC_CHANNEL: z.string().min(1).default('estamp'),
  FABRIC_CHAINCODE: z.string().min(1).default('sanad'),
  FABRIC_GATEWAYS: names,
  FABRIC_ENDORSERS: names,
  /** File that names the witnesses of the public log, one a line: verifier key and address. */
  SANAD_WITNESSES: z.string().min(1).optional(),
  /** Witnesses that must have cosigned a checkpoint before it is published. */
  SANAD_WITNESS_QUORUM: z.coerce.number().int().min(0).max(100).default(0),
  /** Hosts (`host` or `host:port`) that webhooks and billers may have though they are not public https. */
  SANAD_OUTBOUND_HOSTS: names,
  /** Webhooks and billers on this very machine, for a trial. */
  SANAD_OUTBOUND_LOOPBACK: z.enum(['yes', 'no']).default('no'),
  /** Confirmations to payers by SMS: the gateway's address, its token and the sender's name. */
  SANAD_SMS_URL: z.url({ protocol: /^https?$/ }).optional(),
  SANAD_SMS_TOKEN: z.string().min(1).optional(),
  SANAD_SMS_SENDER: z.string().min(1).max(20).optional(),
  /** Confirmations to payers by e-mail: the mail server (smtps://user:password@host) and the sender. */
  SANAD_SMTP_URL: z.url({ protocol: /^smtps?$/ }).optional(),
  SANAD_MAIL_FROM: z.string().includes('@').optional(),
  /** The certificate chain and key, PEM files, that sign certificates as PDFs. */
  SANAD_SIGNING_CERT: z.string().min(1).optional(),
  SANAD_SIGNING_KEY: z.string().min(1).optional(),
  /** The private key that seals stamps (PKCS #8 PEM) where a key file names the environment, and the PIN of its token. */
  SANAD_SEAL_KEY: z.string().min(1).optional(),
  SANAD_SEAL_PIN: z.string().min(1).optional(),
  /** Stamp look-ups a minute and address, so that nobody can try ids one after another. */
  SANAD_LOOKUPS_PER_MINUTE: z.coerce.number().int().min(1).default(60),
});

/** Settings of a Fabric network (docs/operating/anchoring.md); files are paths. */
export interface FabricSettings {
  readonly connection: string;
  readonly mspId: string;
  readonly certificate: string;
  readonly key: string;
  readonly channel: string;
  readonly chaincode: string;
  /** Peers of the profile in the order in which they are tried; empty: those of the client's organisation. */
  readonly gateways: readonly string[];
  /** MSP ids that shall endorse; empty: the gateway chooses by the policy. */
  readonly endorsers: readonly string[];
}

export interface Config {
  readonly databaseUrl?: string;
  /** Folder of the embedded database, the keys and what a running product notes about itself. */
  readonly dataFolder: string;
  readonly host: string;
  readonly httpPort: number;
  readonly iso8583Port: number;
  readonly iso8583Profile: string;
  /** Files in PEM; absent: plain TCP. */
  readonly iso8583Tls?: {
    readonly key: string;
    readonly cert: string;
    readonly ca: string;
    readonly crl?: string;
  };
  readonly publicUrl?: string;
  readonly challanDays: number;
  readonly logLevel: string;
  readonly node: number;
  readonly logOrigin: string;
  /** The Fabric network that keeps the log; absent: the embedded chain. Files are paths. */
  readonly fabric?: FabricSettings;
  /** File that names the witnesses of the public log. */
  readonly witnessFile?: string;
  readonly witnessQuorum: number;
  /** PKCS #8 PEM. */
  readonly sealKey?: string;
  readonly sealPin?: string;
  /** Files of the certificate chain and key that sign certificates as PDFs; absent: they carry the seal alone. */
  readonly signing?: { readonly certificates: string; readonly privateKey: string };
  readonly lookupsPerMinute: number;
  /** Where messages of ours may go when somebody else says the address. */
  readonly outbound: { readonly allowedHosts: readonly string[]; readonly allowLoopback: boolean };
  /** The SMS gateway; absent: no SMS. */
  readonly sms?: { readonly url: string; readonly token: string; readonly sender: string };
  /** The mail server; absent: no e-mail. */
  readonly mail?: { readonly url: string; readonly from: string };
}

/** What is wrong with the settings, for a person to correct. */
function wrongSettings(problems: string): Fault {
  return new Fault(
    'config-invalid',
    'The settings are wrong; correct the environment and start again.',
    { fields: { problems } },
  );
}

/** Settings that belong together; undefined when none of them is given. A Fault `config-invalid` for half of a group. */
function group<K extends string>(
  parts: Readonly<Record<K, string | undefined>>,
  problems: string,
): Record<K, string> | undefined {
  const given = Object.values(parts).filter((each) => each !== undefined);
  if (given.length === 0) return undefined;
  if (given.length < Object.keys(parts).length) throw wrongSettings(problems);
  // None of them is undefined.
  return parts as Record<K, string>;
}

/** The TLS files, all or none: half a set would quietly leave the line open. */
function tlsFiles(value: z.infer<typeof schema>): Pick<Config, 'iso8583Tls'> {
  const { SANAD_ISO8583_TLS_KEY: key, SANAD_ISO8583_TLS_CERT: cert } = value;
  const { SANAD_ISO8583_TLS_CA: ca, SANAD_ISO8583_TLS_CRL: crl } = value;
  const problems = 'SANAD_ISO8583_TLS_KEY, _CERT and _CA: give all three or none';
  const iso8583Tls = group({ key, cert, ca }, problems);
  if (iso8583Tls !== undefined)
    return { iso8583Tls: { ...iso8583Tls, ...(crl === undefined ? {} : { crl }) } };
  if (crl !== undefined) throw wrongSettings(problems);
  return {};
}

/** The files that sign documents, both or none. */
function signingFiles(value: z.infer<typeof schema>): Pick<Config, 'signing'> {
  const { SANAD_SIGNING_CERT: certificates, SANAD_SIGNING_KEY: privateKey } = value;
  const signing = group(
    { certificates, privateKey },
    'SANAD_SIGNING_CERT and _KEY: give both or none',
  );
  return signing === undefined ? {} : { signing };
}

/** The Fabric network: its four files and names, all or none. */
function fabricSettings(value: z.infer<typeof schema>): Pick<Config, 'fabric'> {
  const { FABRIC_CONNECTION: connection, FABRIC_MSP_ID: mspId } = value;
  const { FABRIC_CERT: certificate, FABRIC_KEY: key } = value;
  const network = group(
    { connection, mspId, certificate, key },
    'FABRIC_CONNECTION, _MSP_ID, _CERT and _KEY: give all four or none',
  );
  if (network === undefined) return {};
  return {
    fabric: {
      ...network,
      channel: value.FABRIC_CHANNEL,
      chaincode: value.FABRIC_CHAINCODE,
      gateways: value.FABRIC_GATEWAYS,
      endorsers: value.FABRIC_ENDORSERS,
    },
  };
}

/** The gateways of confirmations, each whole or absent. */
function messageSettings(value: z.infer<typeof schema>): Pick<Config, 'sms' | 'mail'> {
  const { SANAD_SMS_URL: smsUrl, SANAD_SMS_TOKEN: token, SANAD_SMS_SENDER: sender } = value;
  const { SANAD_SMTP_URL: mailUrl, SANAD_MAIL_FROM: from } = value;
  const problems =
    'SANAD_SMS_URL, _TOKEN, _SENDER; SANAD_SMTP_URL, SANAD_MAIL_FROM: all of a group or none';
  const sms = group({ url: smsUrl, token, sender }, problems);
  const mail = group({ url: mailUrl, from }, problems);
  return { ...(sms === undefined ? {} : { sms }), ...(mail === undefined ? {} : { mail }) };
}

/** Reads the settings; a Fault `config-invalid` names every key that is wrong and why. */
export function readConfig(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Config {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = schema.safeParse(given);
  if (!parsed.success) {
    const problems = parsed.error.issues
      .map((issue) => `${issue.path.join('.')}: ${issue.message}`)
      .join('; ');
    throw wrongSettings(problems);
  }
  const value = parsed.data;
  return {
    ...(value.DATABASE_URL === undefined ? {} : { databaseUrl: value.DATABASE_URL }),
    ...(value.SANAD_PUBLIC_URL === undefined
      ? {}
      : { publicUrl: value.SANAD_PUBLIC_URL.replace(/\/$/, '') }),
    dataFolder: path.resolve(value.SANAD_DATA_DIR ?? path.join(packageRoot, 'data')),
    host: value.SANAD_HOST,
    httpPort: value.SANAD_HTTP_PORT,
    iso8583Port: value.SANAD_ISO8583_PORT,
    iso8583Profile: value.SANAD_ISO8583_PROFILE,
    ...tlsFiles(value),
    challanDays: value.SANAD_CHALLAN_DAYS,
    logLevel: value.SANAD_LOG_LEVEL,
    node: value.SANAD_NODE,
    logOrigin: value.SANAD_LOG_ORIGIN,
    ...fabricSettings(value),
    ...(value.SANAD_WITNESSES === undefined ? {} : { witnessFile: value.SANAD_WITNESSES }),
    witnessQuorum: value.SANAD_WITNESS_QUORUM,
    ...signingFiles(value),
    ...(value.SANAD_SEAL_KEY === undefined ? {} : { sealKey: value.SANAD_SEAL_KEY }),
    ...(value.SANAD_SEAL_PIN === undefined ? {} : { sealPin: value.SANAD_SEAL_PIN }),
    lookupsPerMinute: value.SANAD_LOOKUPS_PER_MINUTE,
    outbound: {
      allowedHosts: value.SANAD_OUTBOUND_HOSTS,
      allowLoopback: value.SANAD_OUTBOUND_LOOPBACK === 'yes',
    },
    ...messageSettings(value),
  };
}
