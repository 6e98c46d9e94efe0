/** `sanad up`: starts everything, or one part of it, says where, and stops cleanly on Ctrl-C or SIGTERM. */
import { readConfig } from '../../kernel/config.ts';
import { Fault } from '../../kernel/fault.ts';
import { commandArguments } from '../arguments.ts';
import { print, printJson, progress } from '../output.ts';
import { startProduct, type Part, type Product } from '../product.ts';
import { stopSignal } from '../stop-signal.ts';

function isPart(text: string): text is Part {
  return ['all', 'channels', 'anchoring'].includes(text);
}

function tellReady({ addresses, trial }: Product, json: boolean): void {
  if (addresses === undefined) {
    if (json) printJson({ ready: true, anchoring: true });
    else print('Sanad is ready: the anchoring worker runs; Ctrl-C stops it');
  } else if (json) {
    printJson({
      ready: true,
      ...addresses,
      startPage: `${addresses.http}/`,
      openapi: `${addresses.http}/openapi.json`,
      trial: trial ?? null,
    });
  } else {
    print(
      `Sanad is ready: ${addresses.http} (start page, API, 1BILL, JazzCash, Easypaisa, OTC), ISO 8583 on ${addresses.iso8583}; Ctrl-C stops it`,
    );
  }
}

/** Runs until it is stopped; false when a part of it ended by itself. */
export async function upCommand(argv: readonly string[]): Promise<boolean> {
  const { json, only = 'all' } = commandArguments(argv, { json: 'boolean', only: 'string' });
  if (!isPart(only))
    throw new Fault('bad-input', 'The parts are channels and anchoring.', { fields: { only } });
  const stopped = stopSignal();
  const product = await startProduct(readConfig(), only);
  tellReady(product, json);
  const failure = await Promise.race([stopped, product.failed]);
  if (failure !== undefined) progress(`sanad: ${failure}`);
  await product.stop();
  return failure === undefined;
}
