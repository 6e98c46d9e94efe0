import { describe, expect, it } from '@jest/globals';
import { businessDate, fiscalYear, printedDate, printedTime } from './clock.ts';

describe('business time', () => {
  it('changes day at midnight in Karachi, five hours ahead of UTC', () => {
    expect(businessDate(new Date('2026-11-23T18:59:59.999Z'))).toBe('2026-11-23');
    expect(businessDate(new Date('2026-11-23T19:00:00.000Z'))).toBe('2026-11-24');
  });

  it('begins the fiscal year on 1 July', () => {
    expect(fiscalYear(new Date('2026-06-30T18:59:59Z'))).toBe('2025-26');
    expect(fiscalYear(new Date('2026-06-30T19:00:00Z'))).toBe('2026-27');
    expect(fiscalYear(new Date('2099-12-01T00:00:00Z'))).toBe('2099-00');
  });

  it('prints day first', () => {
    expect(printedTime(new Date('2026-11-23T15:05:09Z'))).toBe('23-11-2026 20:05:09 PKT');
    expect(printedDate('2026-11-23')).toBe('23-11-2026');
  });
});
