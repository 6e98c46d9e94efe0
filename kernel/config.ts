/**
 * Configuration: the only reader of the environment (beside the embedded server's PATH). It is parsed once at
 * start and lists every bad key at once. There is no default for a secret or for an outside address.
 */
import path from 'node:path';
import { z } from 'zod';
import { Fault } from './fault.ts';
import { packageRoot } from './package-root.ts';

const port = z.coerce.number().int().min(0).max(65_535);

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
  /** Stamp look-ups a minute and address, so that nobody can try ids one after another. */
  SANAD_LOOKUPS_PER_MINUTE: z.coerce.number().int().min(1).default(60),
});

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
  readonly lookupsPerMinute: number;
}

/** The TLS files, all or none: half a set would quietly leave the line open. */
function tlsFiles(value: z.infer<typeof schema>): Pick<Config, 'iso8583Tls'> {
  const {
    SANAD_ISO8583_TLS_KEY: key,
    SANAD_ISO8583_TLS_CERT: cert,
    SANAD_ISO8583_TLS_CA: ca,
    SANAD_ISO8583_TLS_CRL: crl,
  } = value;
  if (key !== undefined && cert !== undefined && ca !== undefined)
    return { iso8583Tls: { key, cert, ca, ...(crl === undefined ? {} : { crl }) } };
  if ([key, cert, ca, crl].every((each) => each === undefined)) return {};
  throw new Fault(
    'config-invalid',
    'The settings are wrong; correct the environment and start again.',
    {
      fields: { problems: 'SANAD_ISO8583_TLS_KEY, _CERT and _CA: give all three or none' },
    },
  );
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
    throw new Fault(
      'config-invalid',
      'The settings are wrong; correct the environment and start again.',
      { fields: { problems } },
    );
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
    lookupsPerMinute: value.SANAD_LOOKUPS_PER_MINUTE,
  };
}
