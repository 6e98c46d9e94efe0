/** The network is written down four times: for ourselves, for configtxgen, for cryptogen and for Docker. All must say the same. */
import { describe, expect, it } from '@jest/globals';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { fabricProfile } from '../../tests/support/fabric-profile.ts';

const here = path.join(process.cwd(), 'network-config/fabric');
const read = (file: string): unknown =>
  parse(readFileSync(path.join(here, file), 'utf8'), { merge: true });

const consenter = z.object({ Host: z.string(), Port: z.string() });
const configtx = z
  .object({
    Organizations: z.array(z.object({ ID: z.string(), MSPDir: z.string() })),
    Profiles: z.record(
      z.string(),
      z.object({
        Capabilities: z.record(z.string(), z.boolean()),
        Orderer: z.object({
          OrdererType: z.string(),
          EtcdRaft: z.object({ Consenters: z.array(consenter) }).optional(),
          ConsenterMapping: z.array(consenter.extend({ MSPID: z.string() })).optional(),
          Organizations: z.array(z.object({ ID: z.string() })),
        }),
        Application: z.object({ Organizations: z.array(z.object({ ID: z.string() })) }),
      }),
    ),
  })
  .parse(read('templates/configtx.yaml'));
const crypto = z
  .object({
    OrdererOrgs: z.array(z.object({ Name: z.string(), Domain: z.string() })),
    PeerOrgs: z.array(
      z.object({
        Name: z.string(),
        Domain: z.string(),
        Specs: z.array(z.object({ SANS: z.array(z.string()) })),
      }),
    ),
  })
  .parse(read('templates/crypto-config.yaml'));
const composeSchema = z.object({
  services: z.record(
    z.string(),
    z.object({
      image: z.string(),
      command: z.union([z.string(), z.array(z.string())]),
      environment: z.record(z.string(), z.string()).default({}),
      ports: z.array(z.string()).default([]),
      volumes: z.array(z.string()),
    }),
  ),
});

/** The program of Docker's client that reads compose files; the older one has a program of its own. */
function composeProgram(): string[] {
  const found = [['docker', 'compose'], ['docker-compose']].find(
    ([program = '', ...words]) =>
      spawnSync(program, [...words, 'version'], { stdio: 'ignore' }).status === 0,
  );
  if (found === undefined)
    throw new Error('This test needs Docker’s compose client: apt-get install docker-compose.');
  return found;
}

describe.each(['small', 'production', 'production-bft'])('the profile %s', (name) => {
  const said = fabricProfile(name);
  const compose = composeSchema.parse(read(`compose/${name}.yaml`));

  it('has the same organisations and ordering nodes in configtx.yaml', () => {
    const profiles = configtx.Profiles[said.configtx];
    expect(profiles?.Application.Organizations.map(({ ID }) => ID)).toEqual(
      said.organisations.map(({ mspId }) => mspId),
    );
    expect(profiles?.Orderer.OrdererType).toBe(said.consensus);
    const { EtcdRaft, ConsenterMapping, Organizations } = profiles!.Orderer;
    expect(Organizations.map(({ ID }) => ID)).toEqual(said.orderers.map(({ mspId }) => mspId));
    expect(
      (EtcdRaft?.Consenters ?? ConsenterMapping ?? []).map(({ Host, Port }) => ({ Host, Port })),
    ).toEqual(said.orderers.map(({ host }) => ({ Host: `@${host}@`, Port: `@${host}:port@` })));
    expect(profiles?.Capabilities).toEqual(
      said.consensus === 'BFT' ? { V3_0: true } : { V2_0: true },
    );
  });

  it('has certificates for every node', () => {
    for (const { mspId, domain } of said.orderers)
      expect(crypto.OrdererOrgs).toContainEqual({ Name: mspId, Domain: domain });
    for (const { mspId, domain } of said.organisations) {
      const found = crypto.PeerOrgs.find(({ Name }) => Name === mspId);
      expect(found?.Domain).toBe(domain);
      expect(found?.Specs[0]?.SANS).toContain(`contract.${domain}`);
    }
  });

  it('demands PITB and one of the others', () => {
    const [first, ...others] = said.organisations.map(({ mspId }) => `'${mspId}.peer'`);
    expect(first).toBe("'PITB.peer'");
    const rest = others.length === 1 ? others[0] : `OR(${others.join(', ')})`;
    expect(said.endorsement).toBe(`AND(${first!}, ${rest!})`);
  });

  it('has the same nodes, names and ports in its compose file', () => {
    const expected = [
      ...said.orderers.map(({ host }) => host),
      ...said.organisations.flatMap(({ domain, peer }) => [peer.host, `contract.${domain}`]),
    ];
    expect(Object.keys(compose.services).sort()).toEqual(expected.sort());
    for (const { host, mspId, port, adminPort, operationsPort } of said.orderers)
      expect(compose.services[host]).toMatchObject({
        environment: {
          ORDERER_GENERAL_LOCALMSPID: mspId,
          ORDERER_GENERAL_LISTENPORT: String(port),
          ORDERER_ADMIN_LISTENADDRESS: `0.0.0.0:${String(adminPort)}`,
          ORDERER_OPERATIONS_LISTENADDRESS: `127.0.0.1:${String(operationsPort)}`,
        },
      });
    for (const { mspId, domain, peer } of said.organisations) {
      expect(compose.services[peer.host]).toMatchObject({
        environment: {
          CORE_PEER_LOCALMSPID: mspId,
          CORE_PEER_ADDRESS: `${peer.host}:${String(peer.port)}`,
          CORE_PEER_CHAINCODELISTENADDRESS: `127.0.0.1:${String(peer.chaincodePort)}`,
          CORE_OPERATIONS_LISTENADDRESS: `127.0.0.1:${String(peer.operationsPort)}`,
        },
      });
      expect(compose.services[`contract.${domain}`]?.command).toContain(
        `--chaincode-address=0.0.0.0:${String(peer.servicePort)}`,
      );
    }
  });

  it('has a compose file that Docker’s own client reads', () => {
    const [program = '', ...words] = composeProgram();
    // The older client knows no `name` in the file; it takes the name of the project as an option.
    const text = readFileSync(path.join(here, `compose/${name}.yaml`), 'utf8').replace(
      /^name:.*$/m,
      '',
    );
    const printed = execFileSync(program, [...words, '-f', '-', '-p', 'sanad', 'config'], {
      input: text,
      encoding: 'utf8',
      env: { ...process.env, SANAD_CONTRACT_ID: 'sanad:0123' },
    });
    const read = z.object({ services: z.record(z.string(), z.unknown()) }).parse(parse(printed));
    expect(Object.keys(read.services).sort()).toEqual(Object.keys(compose.services).sort());
  });

  it('pins every image, has TLS everywhere and mounts no Docker socket', () => {
    for (const [service, { image, volumes, environment }] of Object.entries(compose.services)) {
      expect(image).toMatch(/:\d+\.\d+/);
      expect(volumes.join()).not.toContain('docker.sock');
      if (service.startsWith('peer')) expect(environment['CORE_PEER_TLS_ENABLED']).toBe('true');
      if (service.startsWith('orderer'))
        expect(environment['ORDERER_GENERAL_TLS_CERTIFICATE']).toBeDefined();
    }
  });
});
