/** JSON of the kind that channels speak: one object whose members are all texts. */

/** In valid JSON of strings and nulls alone, the tokens that are a name or a value. */
const NAME_OR_VALUE = /"[^"\\]*(?:\\.[^"\\]*)*"|null/g;

/**
 * Reads a JSON object whose members are all strings. Anything else, and a name that comes twice (JSON.parse would keep
 * the last and hide the first), is undefined. A member that is `null` is read as `absent`, or refused when that is not
 * given.
 */
export function parseFlatJson(text: string, absent?: string): Map<string, string> | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return undefined;
  const members = new Map<string, string>();
  for (const [name, value] of Object.entries(parsed) as [string, unknown][]) {
    const member = value === null ? absent : value;
    if (typeof member !== 'string') return undefined;
    members.set(name, member);
  }
  return (text.match(NAME_OR_VALUE)?.length ?? 0) === members.size * 2 ? members : undefined;
}
