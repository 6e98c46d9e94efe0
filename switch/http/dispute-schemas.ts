/** The bodies of the disputes' part of the API. */
import { z } from 'zod';
import { DISPUTE_KINDS } from '../../reconciliation/index.ts';
import { withExample } from './examples.ts';
import { day, instant, lineOfText, paisaText, psid } from './fields.ts';

export const disputeId = z
  .string()
  .regex(/^dsp_\d{2}_\d{1,18}$/, 'must be the id of a dispute')
  .meta({ examples: ['dsp_00_7141592653589793'] });

const reference = z
  .string()
  .regex(/^[\x21-\x7e]{1,40}$/, 'must be the bank’s reference: printable ASCII without spaces');

const claim = z.strictObject({
  kind: z.enum(DISPUTE_KINDS),
  /** The PSID that was meant to be paid. */
  psid,
  /** The PSID that was paid by mistake. */
  paidPsid: psid.optional(),
  /** The bank's reference of the debit (RRN, tran_auth_id), as on its receipt. */
  reference: reference.optional(),
  secondReference: reference.optional(),
  amount: paisaText.optional(),
  paidOn: day.optional(),
});

const participantCode = z.string().regex(/^[A-Z0-9]{2,12}$/, 'must be the code of a participant');

export const payerDisputeRequest = withExample(
  claim.extend({ bank: participantCode.optional(), contact: lineOfText(100).optional() }),
  {
    kind: 'paid-not-issued',
    psid: '10100482911930272',
    bank: 'BOP',
    reference: '626123456789',
    contact: '03001234567',
  },
);

export const participantDisputeRequest = withExample(
  claim.extend({ opener: z.enum(['participant', 'teller']) }),
  {
    opener: 'teller',
    kind: 'debited-twice',
    psid: '10100482911930272',
    reference: '626123456789',
    secondReference: '626123456790',
  },
);

export const disputeAnswer = withExample(
  z.object({
    id: disputeId,
    kind: z.string(),
    psid,
    paidPsid: psid.optional(),
    state: z.enum(['open', 'closed', 'handed-over']),
    /** Stable: why it is closed, or why people decide. */
    answer: z.string().optional(),
    /** What the desk decided, where it was handed over. */
    decision: z.string().optional(),
    explanation: z
      .object({
        psidPaid: z.boolean(),
        debits: z.array(
          z.object({
            participant: z.string(),
            reference: z.string(),
            amount: paisaText,
            state: z.string(),
            at: instant,
            reversedAt: instant.optional(),
          }),
        ),
      })
      .optional(),
    openedAt: instant,
    /** By then there is a final answer. */
    dueAt: instant,
    closedAt: instant.optional(),
  }),
  {
    id: 'dsp_00_7141592653589793',
    kind: 'paid-not-issued',
    psid: '10100482911930272',
    state: 'closed',
    answer: 'reversed',
    explanation: {
      psidPaid: false,
      debits: [
        {
          participant: 'BOP',
          reference: '626123456789',
          amount: '30000',
          state: 'reversed',
          at: '2026-11-23T15:05:09.120Z',
          reversedAt: '2026-11-23T15:05:44.310Z',
        },
      ],
    },
    openedAt: '2026-11-23T16:00:00.000Z',
    dueAt: '2026-12-02T19:00:00.000Z',
    closedAt: '2026-11-23T16:00:00.000Z',
  },
);

export const openedDisputeAnswer = z.object({
  dispute: disputeAnswer,
  /** Opens this dispute later. */
  accessToken: z.string(),
});

export const disputesQuery = z.strictObject({
  state: z.enum(['open', 'closed', 'handed-over']).optional(),
  before: disputeId.optional(),
});
export const disputesAnswer = z.object({
  disputes: z.array(disputeAnswer),
  /** Give it as `before` for the next page; absent on the last. */
  next: disputeId.optional(),
});
