/** `sanad up`: starts everything, says where, and stops cleanly on Ctrl-C or SIGTERM. */
import { readConfig } from '../../kernel/config.ts';
import { commandArguments } from '../arguments.ts';
import { print, printJson, progress } from '../output.ts';
import { startProduct } from '../product.ts';

function signalled(): Promise<undefined> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.once(signal, () => resolve(undefined));
  });
}

/** Runs until it is stopped; false when a part of it ended by itself. */
export async function upCommand(argv: readonly string[]): Promise<boolean> {
  const given = commandArguments(argv, { json: 'boolean' });
  const stopped = signalled();
  const product = await startProduct(readConfig());
  const { addresses, trial } = product;
  if (given.json)
    printJson({
      ready: true,
      ...addresses,
      startPage: `${addresses.http}/`,
      openapi: `${addresses.http}/openapi.json`,
      trial: trial ?? null,
    });
  else
    print(
      `Sanad is ready: ${addresses.http} (start page, API, 1BILL), ISO 8583 on ${addresses.iso8583}; Ctrl-C stops it`,
    );
  const failure = await Promise.race([stopped, product.failed]);
  if (failure !== undefined) progress(`sanad: ${failure}`);
  await product.stop();
  return failure === undefined;
}
