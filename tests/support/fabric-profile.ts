/** The Fabric networks of network-config/fabric, as their own command describes them. */
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { z } from 'zod';
import { packageRoot } from '../../kernel/package-root.ts';

/** The command that starts, deploys and stops a network, and describes one. */
export const FABRIC_NETWORK = path.join(packageRoot, 'network-config/fabric/network.js');

const profileSchema = z.object({
  configtx: z.string(),
  consensus: z.string(),
  endorsement: z.string(),
  organisations: z.array(
    z.object({
      mspId: z.string(),
      domain: z.string(),
      peer: z.object({
        host: z.string(),
        port: z.number(),
        chaincodePort: z.number(),
        operationsPort: z.number(),
        servicePort: z.number(),
      }),
    }),
  ),
  orderers: z.array(
    z.object({
      mspId: z.string(),
      domain: z.string(),
      host: z.string(),
      port: z.number(),
      adminPort: z.number(),
      operationsPort: z.number(),
    }),
  ),
});

/** `name` is one of network-config/fabric/profiles.js. */
export function fabricProfile(name: string): z.infer<typeof profileSchema> {
  const said = execFileSync(process.execPath, [FABRIC_NETWORK, 'describe', '--profile', name]);
  return profileSchema.parse(JSON.parse(said.toString('utf8')));
}
