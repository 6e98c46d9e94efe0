/** Waiting for the end of a command that runs until it is stopped. */

/** Settles at the first SIGINT or SIGTERM; a second one ends the process at once, for a start or a stop that hangs. */
export function stopSignal(): Promise<undefined> {
  return new Promise((resolve) => {
    let seen = false;
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.on(signal, () => {
        if (seen) process.exit(130);
        seen = true;
        resolve(undefined);
      });
  });
}
