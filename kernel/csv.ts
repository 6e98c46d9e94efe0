/** Writing CSV by RFC 4180, safe to open in a spreadsheet. */

/** A cell; text that a spreadsheet would take for a formula (`=`, `+`, `-`, `@` first) gets an apostrophe in front. */
function csvCell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** The cells as one line, without its end. */
export function csvLine(cells: readonly string[]): string {
  return cells.map(csvCell).join(',');
}
