/** Dates as this side writes them. */

/** DE 7: MMDDhhmmss, UTC. */
export function transmissionOf(now: Date): string {
  return now.toISOString().slice(5, 19).replace(/[-T:]/g, '');
}
