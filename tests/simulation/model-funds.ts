/** Entries and holds on the books in memory: what each should be answered, and what it does. */
import { dayOf, prefunding, settlement, type ModelBooks } from './model-books.ts';
import { bigintOf, bigintsOf, instantOf, textOf, textsOf, type Call } from './statement-reader.ts';

/** What is free on a guarded account. */
function freeOn(books: ModelBooks, path: string): bigint {
  const { debits, credits } = books.balance(path);
  return credits - debits - books.held(path);
}

/** A funding, settlement or adjustment entry. */
export function postEntry(books: ModelBooks, call: Call): string {
  const owner = textOf(call, 'p_owner');
  const key = textOf(call, 'p_request_key');
  const paths = textsOf(call, 'p_paths');
  const sides = textsOf(call, 'p_sides');
  const amounts = bigintsOf(call, 'p_amounts');
  const description = textOf(call, 'p_description');
  const amount = amounts.reduce(
    (sum, each, index) => (sides[index] === 'D' ? sum + each : sum),
    0n,
  );
  const record = books.record(owner, key);
  if (record !== undefined) {
    const isSame =
      record.kind === 'entry' && record.amount === amount && record.original === description;
    return isSame ? record.result : 'key-reused';
  }
  for (const [index, path] of paths.entries()) {
    const out = sides[index] === 'D' ? (amounts[index] ?? 0n) : 0n;
    if (books.guarded.has(path) && out > freeOn(books, path)) return 'insufficient-funds';
  }
  const day = dayOf(instantOf(call, 'p_at'));
  for (const [index, path] of paths.entries())
    books.move(day, path, sides[index] === 'C' ? 'C' : 'D', amounts[index] ?? 0n);
  books.keep(owner, key, {
    kind: 'entry',
    psid: '',
    amount,
    original: description,
    result: 'approved',
    rowId: bigintOf(call, 'p_journal_id'),
  });
  return 'approved';
}

/** A reservation on a guarded account, or on a settlement account within its cap; answers the hold's id, too. */
export function reserveHold(books: ModelBooks, call: Call): string {
  const owner = textOf(call, 'p_owner');
  const key = textOf(call, 'p_request_key');
  const path = textOf(call, 'p_path');
  const amount = bigintOf(call, 'p_amount');
  const record = books.record(owner, key);
  if (record !== undefined) {
    const isSame = record.kind === 'hold' && record.amount === amount && record.original === path;
    return isSame ? `${record.result} ${String(record.rowId)}` : 'key-reused -';
  }
  const free = books.guarded.has(path) ? freeOn(books, path) : leftOfCap(books, path);
  if (free !== undefined && free < amount) return 'insufficient-funds -';
  const id = bigintOf(call, 'p_hold_id');
  const expiresAt = instantOf(call, 'p_expires_at').getTime();
  books.holds.set(id, { id, path, amount, expiresAt, state: 'reserved' });
  books.keep(owner, key, {
    kind: 'hold',
    psid: '',
    amount,
    original: path,
    result: 'reserved',
    rowId: id,
  });
  return `reserved ${id.toString()}`;
}

function leftOfCap(books: ModelBooks, path: string): bigint | undefined {
  for (const { code, netDebitCap } of books.participants.values()) {
    if (settlement(code) !== path || netDebitCap === undefined) continue;
    const { debits, credits } = books.balance(path);
    const funded = books.balance(prefunding(code));
    return netDebitCap - (debits - credits + books.held(path)) + funded.credits - funded.debits;
  }
  return undefined;
}

/** Frees a hold; answers its state afterwards. */
export function voidHold(books: ModelBooks, call: Call): string {
  const hold = books.holds.get(bigintOf(call, 'p_hold_id'));
  if (hold === undefined) return 'none';
  if (hold.state === 'reserved') hold.state = 'voided';
  return hold.state;
}

/** Frees what has expired, at most `max`; answers how many. */
export function expireHolds(books: ModelBooks, call: Call, max: number): string {
  const at = instantOf(call, 'p_at').getTime();
  let freed = 0;
  for (const hold of [...books.holds.values()].sort((a, b) => (a.id < b.id ? -1 : 1))) {
    if (hold.state !== 'reserved' || hold.expiresAt > at) continue;
    if (freed === max) break;
    hold.state = 'expired';
    freed += 1;
  }
  return String(freed);
}
