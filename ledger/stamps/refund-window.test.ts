import { describe, expect, it } from '@jest/globals';
import { refundableUntil } from './refund-window.ts';

describe('the refund window of a stamp', () => {
  it.each([
    ['2026-11-23T09:00:00Z', '2027-05-23'],
    // Half past midnight in Karachi is the next day there.
    ['2026-11-23T19:30:00Z', '2027-05-24'],
    // August has 31 days, February has not.
    ['2026-08-31T09:00:00Z', '2027-02-28'],
    ['2027-08-31T09:00:00Z', '2028-02-29'],
  ])('of one issued at %s ends on %s', (issuedAt, until) => {
    expect(refundableUntil(new Date(issuedAt))).toBe(until);
  });
});
