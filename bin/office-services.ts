/** Implements the officers' desk over the register of stamps. */
import { printedTime } from '../kernel/clock.ts';
import { Fault } from '../kernel/fault.ts';
import {
  findStamp,
  moveStamps,
  parseSearchPlace,
  searchStamps,
  stampEvents,
  type FoundStamp,
  type StampMoveAnswer,
} from '../ledger/index.ts';
import type {
  FoundStampAnswer,
  ListServices,
  MoveAnswer,
  OfficeServices,
  Operator,
} from '../switch/index.ts';
import { BULK_LINES_MAX, bulkEntries, smsAnswer, verifyBulk } from '../stamp-renderer/index.ts';
import { statusLookup, type ServiceDeps } from './services.ts';

function refusalText({
  result,
  state,
  stateChangedAt,
  usedFor,
}: StampMoveAnswer): { en: string; ur: string } | undefined {
  const when = stateChangedAt === undefined ? '' : printedTime(stateChangedAt);
  switch (result) {
    case 'moved':
    case 'repeated':
      return undefined;
    case 'not-found':
      return { en: 'There is no such stamp.', ur: 'ایسا کوئی اسٹامپ موجود نہیں۔' };
    case 'wrong-state':
      return state === 'delisted'
        ? {
            en: `Already used on ${when}${usedFor === undefined ? '' : ` for deed ${usedFor}`}.`,
            ur: `یہ اسٹامپ پہلے ہی استعمال ہو چکا ہے (${when})${usedFor === undefined ? '' : `، دستاویز ${usedFor}`}۔`,
          }
        : {
            en: `Not possible: the stamp is ${state ?? 'unknown'}${when === '' ? '' : ` since ${when}`}.`,
            ur: 'اسٹامپ کی موجودہ حیثیت میں یہ ممکن نہیں۔',
          };
    case 'same-officer':
      return {
        en: 'Another officer must decide on this request.',
        ur: 'اس درخواست کا فیصلہ کوئی دوسرا افسر کرے گا۔',
      };
    case 'window-over':
      return {
        en: 'More than six months have passed since the issue.',
        ur: 'اجراء کو چھ ماہ سے زیادہ ہو چکے ہیں۔',
      };
    case 'key-reused':
      return {
        en: 'The Idempotency-Key was used before with another request.',
        ur: 'یہ درخواست کلید پہلے استعمال ہو چکی ہے۔',
      };
  }
}

function moveAnswer(answer: StampMoveAnswer): MoveAnswer {
  const { stampId, result, state, stateChangedAt, usedFor } = answer;
  return {
    id: stampId,
    result,
    state,
    stateChangedAt: stateChangedAt?.toISOString(),
    usedFor,
    message: refusalText(answer),
  };
}

function foundAnswer(stamp: FoundStamp): FoundStampAnswer {
  const { amount, issuedAt, stateChangedAt, districtCode, ...rest } = stamp;
  return {
    ...rest,
    amount: amount.toString(),
    issuedAt: issuedAt.toISOString(),
    stateChangedAt: stateChangedAt?.toISOString(),
    district: districtCode,
  };
}

/** Makes the desk. */
export function makeOfficeServices({
  database,
  clock,
  challans,
}: Pick<ServiceDeps, 'database' | 'clock' | 'challans'>): OfficeServices {
  const deps = { database, clock, ids: challans.ids };
  return {
    async move(operator: Operator, { kind, reason, deed, stamps, requestKey }) {
      const { id, role, office } = operator;
      if (role !== 'sub-registrar' && role !== 'collector')
        throw new Fault('forbidden', 'This role reads the register and changes nothing.');
      const answers = await moveStamps(
        {
          kind,
          officer: { id, role, office },
          reason,
          requestKey,
          stampIds: stamps,
          ...(deed === undefined ? {} : { usedFor: deed }),
        },
        deps,
      );
      return answers.map(moveAnswer);
    },
    async search(criterion, next) {
      const place = next === undefined ? undefined : parseSearchPlace(next);
      if (next !== undefined && place === undefined)
        throw new Fault('bad-input', 'The next page is named by the answer before.', {
          fields: { path: 'next' },
        });
      const page = await searchStamps(database, criterion, place);
      return { stamps: page.stamps.map(foundAnswer), next: page.next };
    },
    async events(id) {
      const stamp = await findStamp(database, id);
      if (stamp === undefined) return undefined;
      return (await stampEvents(database, stamp)).map(({ at, ...event }) => ({
        ...event,
        at: at.toISOString(),
      }));
    },
  };
}

/** Answers the SMS gateway and verifies lists, with the product's trust list and register. */
export function makeListServices(
  deps: Pick<ServiceDeps, 'database' | 'clock' | 'office' | 'trustList'>,
): ListServices {
  const status = statusLookup(deps);
  return {
    smsAnswer: (text) => smsAnswer(text, status),
    async verifyList(content) {
      const entries = bulkEntries(content);
      if (entries.length > BULK_LINES_MAX)
        throw new Fault('bad-input', 'A list has at most 10,000 lines.', {
          fields: { lines: entries.length },
        });
      const { trustList, clock } = deps;
      const lines = await verifyBulk(entries, { trustList, status, now: clock.now() });
      return { lines: lines.map((line) => ({ ...line })) };
    },
  };
}
