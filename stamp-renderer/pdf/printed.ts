/** How numbers are grouped on paper. */

/** A PSID in groups that a person can read out: `10100-0000-0000-0013`. */
export function psidGroups(psid: string): string {
  return `${psid.slice(0, 5)}-${psid.slice(5, 9)}-${psid.slice(9, 13)}-${psid.slice(13)}`;
}

/** An e-stamp id in groups of four, as `printedStampId` of the kernel, for code that a browser loads too. */
export function stampIdGroups(id: string): string {
  return id.replace(/(\d{4})(?=\d)/g, '$1-');
}
