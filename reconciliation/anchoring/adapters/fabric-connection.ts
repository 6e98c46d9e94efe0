/**
 * What a client of a Fabric network needs: the peers that serve as gateway (from a connection profile in JSON, the
 * form that Fabric's own tools write), its certificate and its key.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { FabricSettings } from '../../../kernel/config.ts';
import { Fault } from '../../../kernel/fault.ts';

const peerSchema = z.looseObject({
  url: z.string().regex(/^grpcs?:\/\/[^/\s]+:\d{1,5}$/),
  tlsCACerts: z.looseObject({ pem: z.string().optional(), path: z.string().optional() }).optional(),
  grpcOptions: z.looseObject({ 'ssl-target-name-override': z.string().optional() }).optional(),
});
const profileSchema = z.looseObject({
  organizations: z.record(
    z.string(),
    z.looseObject({ mspid: z.string(), peers: z.array(z.string()).default([]) }),
  ),
  peers: z.record(z.string(), peerSchema),
});

/** A peer that takes the client's calls. */
export interface GatewayPeer {
  readonly name: string;
  /** `host:port` */
  readonly address: string;
  /** The authority of its TLS certificate (PEM); absent: no TLS. */
  readonly tlsRoot?: Buffer;
  /** The name in its certificate, where it is not that of the address. */
  readonly tlsName?: string;
}

/** Who the client is. */
export interface FabricIdentity {
  readonly mspId: string;
  /** PEM */
  readonly certificate: Buffer;
  /** PEM */
  readonly key: Buffer;
}

function invalid(message: string, fields: Record<string, string>, cause?: unknown): Fault {
  return new Fault('config-invalid', message, { fields, cause });
}

async function readSetting(setting: string, file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw invalid('A file of the Fabric settings cannot be read.', { setting, file }, cause);
  }
}

async function readProfile(file: string): Promise<z.infer<typeof profileSchema>> {
  const text = (await readSetting('FABRIC_CONNECTION', file)).toString('utf8');
  try {
    return profileSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw invalid('The connection profile is not in the form that is read.', { file }, cause);
  }
}

/** The peers that serve as gateway, in the order in which they are tried; a Fault `config-invalid` when there is none. */
export async function readGatewayPeers(settings: FabricSettings): Promise<GatewayPeer[]> {
  const file = settings.connection;
  const profile = await readProfile(file);
  const own = Object.values(profile.organizations)
    .filter(({ mspid }) => mspid === settings.mspId)
    .flatMap(({ peers }) => peers);
  const names = settings.gateways.length > 0 ? settings.gateways : own;
  if (names.length === 0) {
    throw invalid('The connection profile names no peer of the client’s organisation.', {
      file,
      mspId: settings.mspId,
    });
  }
  return Promise.all(
    names.map(async (name) => {
      const peer = Object.hasOwn(profile.peers, name) ? profile.peers[name] : undefined;
      if (peer === undefined)
        throw invalid('The connection profile has no such peer.', { file, name });
      const { url, tlsCACerts, grpcOptions } = peer;
      const address = url.replace(/^grpcs?:\/\//, '');
      if (!url.startsWith('grpcs:')) return { name, address };
      if (tlsCACerts?.pem === undefined && tlsCACerts?.path === undefined)
        throw invalid('A peer with TLS has no authority in the profile.', { file, name });
      const tlsRoot =
        tlsCACerts.pem === undefined
          ? await readSetting(
              'FABRIC_CONNECTION',
              path.resolve(path.dirname(file), tlsCACerts.path ?? ''),
            )
          : Buffer.from(tlsCACerts.pem, 'utf8');
      const tlsName = grpcOptions?.['ssl-target-name-override'];
      return { name, address, tlsRoot, ...(tlsName === undefined ? {} : { tlsName }) };
    }),
  );
}

/** Reads who the client is from its files. */
export async function readFabricIdentity(settings: FabricSettings): Promise<FabricIdentity> {
  const { mspId, certificate, key } = settings;
  return {
    mspId,
    certificate: await readSetting('FABRIC_CERT', certificate),
    key: await readSetting('FABRIC_KEY', key),
  };
}
