import { Counter } from 'prom-client';
import { describe, expect, it } from '@jest/globals';
import { systemTimers } from '../../kernel/clock.ts';
import { makeLog } from '../../kernel/log.ts';
import { makeMetrics } from '../../kernel/metrics.ts';
import { handTimers } from '../../tests/support/hand-timers.ts';
import { startRefusalWatch } from './refusal-watch.ts';

function rig() {
  const metrics = makeMetrics(false);
  const { timers, tick } = handTimers();
  startRefusalWatch({ metrics, timers, log: makeLog({ level: 'silent' }), alarmAt: 3 });
  const alarms = async (): Promise<Record<string, number>> => {
    tick();
    await systemTimers.turn();
    const { values } = await metrics.refusalAlarm.get();
    return Object.fromEntries(values.map(({ labels, value }) => [String(labels.channel), value]));
  };
  return { metrics, alarms };
}

describe('the alarm over unproved requests', () => {
  it('is raised for the channel that refuses many between two looks, and ends when they stop', async () => {
    const { metrics, alarms } = rig();
    metrics.answers.inc({ channel: 'onebill', result: 'unauthorised' }, 3);
    metrics.answers.inc({ channel: 'jazzcash', result: 'unauthorised' }, 2);
    metrics.answers.inc({ channel: 'onebill', result: 'approved' }, 50);
    expect(await alarms()).toEqual({ onebill: 1, jazzcash: 0 });
    metrics.answers.inc({ channel: 'jazzcash', result: 'unauthorised' }, 2);
    expect(await alarms()).toEqual({ onebill: 0, jazzcash: 0 });
    metrics.answers.inc({ channel: 'jazzcash', result: 'unauthorised' }, 4);
    expect(await alarms()).toEqual({ onebill: 0, jazzcash: 1 });
  });

  it('counts what an ISO 8583 line refuses for want of proof, before a sign-on too, and nothing else', async () => {
    const { metrics, alarms } = rig();
    const refusals = new Counter({
      name: 'sanad_iso8583_refusals_total',
      help: 'refusals',
      labelNames: ['reason'],
      registers: [metrics.registry],
    });
    refusals.inc({ reason: 'overload' }, 100);
    refusals.inc({ reason: 'mac' }, 2);
    metrics.answers.inc({ channel: 'iso8583', result: 'unauthorised' }, 2);
    expect(await alarms()).toEqual({ iso8583: 0 });
    refusals.inc({ reason: 'tls' }, 2);
    refusals.inc({ reason: 'unknown' }, 1);
    expect(await alarms()).toEqual({ iso8583: 1 });
  });
});
