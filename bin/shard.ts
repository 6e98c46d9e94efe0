/** The shard of a small installation; every PSID it makes names it. */
export const SHARD = 0;
