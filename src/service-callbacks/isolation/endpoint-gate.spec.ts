import { describe, expect, it } from '@jest/globals';
import { Clock } from '../clock.js';
import { defaultsOf } from '../../config/setting.js';
import { sections } from '../../config/settings.js';
import type { DeliveryOptions } from '../service-callbacks.options.js';
import type { HoldReason } from '../callbacks/callback.js';
import {
  EndpointGate,
  type Admission,
  type Deferral,
  type Permit,
  type PermitPool,
} from './endpoint-gate.js';

/** A clock that stands until it is moved. */
class HeldClock extends Clock {
  time = 1_000_000;

  override now(): number {
    return this.time;
  }
}

function gateWith(delivery: Partial<DeliveryOptions> = {}) {
  const clock = new HeldClock();
  const options = {
    ...defaultsOf(sections.delivery),
    concurrency: 80,
    endpointConcurrency: 40,
    circuitFailures: 3,
    ...delivery,
  };
  const held = new Map<string, HoldReason>();
  const holds = { reasonFor: (id: string) => held.get(id), whenLifted: () => undefined };
  const gate = new EndpointGate(options, holds, clock);
  /** Each is an endpoint of its own, at the same URL. */
  const admit = (id: string, pool: PermitPool, isProbe = false) =>
    gate.admit(id, 'https://example.com/', pool, isProbe);
  return { clock, gate, held, admit };
}

function admitted(admission: Admission | Promise<Admission>): Permit {
  if (admission instanceof Promise || admission.kind !== 'admitted') throw new Error('not admitted');
  return admission;
}

function makeQuick(
  admit: (id: string, pool: PermitPool) => Admission | Promise<Admission>,
  id: string,
): void {
  admitted(admit(id, 'first')).release('responded');
}

describe('EndpointGate', () => {
  it('defers a slow endpoint before it has all permits, and admits a new endpoint', () => {
    const { admit, gate } = gateWith({ endpointConcurrency: 80 });
    const admissions = Array.from({ length: 80 }, () => admit('slow', 'first'));
    const turnedAway = admissions.filter(
      (admission) => !(admission instanceof Promise) && admission.kind === 'deferred',
    );
    expect(turnedAway.length).toBeGreaterThan(20);
    expect(gate.inUse('first')).toBe(55);
    expect(admitted(admit('new', 'first')).kind).toBe('admitted');
  });

  it('briefly defers the backlog of an endpoint that has not responded yet', () => {
    const { admit, clock } = gateWith();
    const admissions = Array.from({ length: 10_000 }, () => admit('new', 'first'));
    const last = admissions.at(-1);
    expect(last).toMatchObject({ kind: 'deferred', reason: 'endpoint_unproven' });
    expect((last as Deferral).nextAttemptAt).toBeLessThanOrEqual(clock.time + 600);
  });

  it('defers ever longer for an endpoint that has had no permit yet', () => {
    const { admit, clock } = gateWith({ concurrency: 8 });
    for (let other = 0; other < 20; other += 1) void admit(`slow ${other}`, 'first');
    const early = admit('late', 'first') as Deferral;
    expect(early.nextAttemptAt - clock.time).toBeLessThanOrEqual(600);
    clock.time += 3_000;
    const later = admit('late', 'first') as Deferral;
    expect(later).toMatchObject({ reason: 'endpoint_unproven' });
    expect(later.nextAttemptAt - clock.time).toBeGreaterThanOrEqual(1_500);
    clock.time += 60_000;
    const last = admit('late', 'first') as Deferral;
    expect(last.nextAttemptAt - clock.time).toBeLessThanOrEqual(7_500);
  });

  it('gives a quick endpoint the reserve as well', () => {
    const { admit, gate } = gateWith();
    makeQuick(admit, 'quick');
    for (let other = 0; other < 100; other += 1) {
      for (let callback = 0; callback < 10; callback += 1) void admit(`slow ${other}`, 'first');
    }
    expect(gate.inUse('first')).toBe(60);
    expect(admitted(admit('quick', 'first')).kind).toBe('admitted');
  });

  it('gives an endpoint that does not respond one attempt at a time, and opens its circuit after six timeouts in a row', () => {
    const { admit, clock } = gateWith({ circuitFailures: 20, timeoutMs: 5_000 });
    const together = Array.from({ length: 4 }, () => admitted(admit('hanging', 'first')));
    clock.time += 5_000;
    expect(together.map((attempt) => attempt.release('timed_out'))).toEqual([false, false, false, false]);
    const next = admitted(admit('hanging', 'first'));
    expect(admit('hanging', 'first')).toBeInstanceOf(Promise);
    clock.time += 5_000;
    expect(next.release('timed_out')).toBe(false);
    const last = admitted(admit('hanging', 'retry'));
    clock.time += 5_000;
    expect(last.release('timed_out')).toBe(true);
  });

  it('reports the failure that opens a circuit, and holds the callbacks that wait for its window', async () => {
    const { admit } = gateWith({ endpointConcurrency: 1 });
    makeQuick(admit, 'down');
    const first = admitted(admit('down', 'first'));
    const waiting = [admit('down', 'first'), admit('down', 'first'), admit('down', 'first')];
    expect(first.release('failed')).toBe(false);
    expect(admitted(await (waiting[0] as Promise<Admission>)).release('failed')).toBe(false);
    expect(admitted(await (waiting[1] as Promise<Admission>)).release('failed')).toBe(true);
    await expect(waiting[2]).resolves.toMatchObject({ kind: 'held', reason: 'circuit_open' });
  });

  it('admits only a probe to an endpoint on hold', () => {
    const { admit, held } = gateWith({ concurrency: 1, retryConcurrency: 1 });
    held.set('down', 'retry_after');
    expect(admit('down', 'first')).toEqual({ kind: 'held', reason: 'retry_after' });
    admitted(admit('other', 'retry'));
    expect(admitted(admit('down', 'retry', true)).kind).toBe('admitted');
  });

  it('defers the backlog of a slow endpoint, spread over time', () => {
    const { admit, clock } = gateWith();
    for (let callback = 0; callback < 100; callback += 1) void admit('hanging', 'first');
    clock.time += 2_000;
    const deferrals = Array.from({ length: 3 }, () => admit('hanging', 'first') as Deferral);
    expect(deferrals.map(({ reason }) => reason)).toEqual(Array(3).fill('process_busy'));
    const delays = deferrals.map(({ nextAttemptAt }) => nextAttemptAt - clock.time);
    const [one, two, three] = delays as [number, number, number];
    expect(one).toBeGreaterThanOrEqual(1_000);
    expect([two - one, three - two]).toEqual([5, 5]);
  });

  it('lets callbacks of a quick endpoint wait for a permit, in order', async () => {
    const { admit, gate, clock } = gateWith({ concurrency: 2, retryConcurrency: 1 });
    for (const id of ['one', 'two', 'three']) makeQuick(admit, id);
    const [first, second] = [admitted(admit('one', 'first')), admitted(admit('two', 'first'))];
    const order: string[] = [];
    const waiting = ['three', 'one', 'two'].map(async (id) => {
      const permit = admitted(await admit(id, 'first'));
      order.push(id);
      return permit;
    });
    // The other pool has permits of its own.
    admitted(admit('three', 'retry')).release('responded');
    clock.time += 20;
    first.release('responded');
    second.release('responded');
    (await waiting[0])?.release('responded');
    await Promise.all(waiting);
    expect(order).toEqual(['three', 'one', 'two']);
    expect(gate.inUse('first')).toBe(2);
  });

  it('gives a free permit to each endpoint in turn: one with many callbacks does not delay another', async () => {
    const { admit } = gateWith({ concurrency: 1 });
    for (const id of ['one', 'two']) makeQuick(admit, id);
    const held = admitted(admit('one', 'first'));
    const flood = Array.from({ length: 50 }, () => admit('one', 'first'));
    const single = admit('two', 'first');
    held.release('responded');
    admitted((await flood[0]) as Admission).release('responded');
    expect(admitted(await single).kind).toBe('admitted');
  });

  it('defers a callback that has waited a second for a permit', async () => {
    const { admit, clock, gate } = gateWith({ concurrency: 1 });
    for (const id of ['one', 'two']) makeQuick(admit, id);
    admitted(admit('one', 'first'));
    const waiting = admit('two', 'first');
    clock.time += 900;
    const other = admit('two', 'first');
    clock.time += 100;
    await expect(waiting).resolves.toMatchObject({ kind: 'deferred', reason: 'process_busy' });
    gate.stop();
    await expect(other).resolves.toEqual({ kind: 'stopped' });
    gate.onApplicationShutdown();
  });

  it('admits nothing after a stop, and ends every wait', async () => {
    const { admit, gate } = gateWith({ endpointConcurrency: 1 });
    makeQuick(admit, 'busy');
    admitted(admit('busy', 'first'));
    const waiting = admit('busy', 'first');
    gate.stop();
    await expect(waiting).resolves.toEqual({ kind: 'stopped' });
    expect(admit('other', 'first')).toEqual({ kind: 'stopped' });
  });

  it('sends the next attempt to an endpoint that stopped responding after the slow threshold', async () => {
    const { admit, clock } = gateWith({ timeoutMs: 5_000 });
    for (let attempt = 0; attempt < 4; attempt += 1) admitted(admit('hanging', 'first'));
    clock.time += 1_900;
    admitted(admit('hanging', 'first'));
    clock.time += 1_900;
    await expect(admit('hanging', 'first')).resolves.toMatchObject({ reason: 'endpoint_busy' });
    clock.time += 100;
    const another = admitted(admit('hanging', 'retry'));
    another.release('responded');
    expect(admitted(admit('hanging', 'first')).kind).toBe('admitted');
  });

  it('does not defer callbacks after a single lost attempt', () => {
    const { admit, clock } = gateWith({ timeoutMs: 5_000 });
    makeQuick(admit, 'quick');
    admitted(admit('quick', 'first'));
    clock.time += 2_500;
    const burst = Array.from({ length: 10 }, () => admit('quick', 'first'));
    expect(burst.map((admission) => admitted(admission).kind)).toEqual(Array(10).fill('admitted'));
  });

  it('does not count an attempt that was not made', () => {
    const { admit, clock } = gateWith({ timeoutMs: 5_000 });
    const begun = [admit('new', 'first'), admit('new', 'first')].map(admitted);
    clock.time += 2_500;
    for (const attempt of begun) attempt.release('not_made');
    expect(admitted(admit('new', 'first')).kind).toBe('admitted');
  });

  it('admits callbacks to an endpoint that hangs only now and then', () => {
    const { admit, clock } = gateWith({ circuitFailures: 20, timeoutMs: 5_000 });
    makeQuick(admit, 'balanced');
    const hung = Array.from({ length: 8 }, () => admitted(admit('balanced', 'first')));
    clock.time += 4_900;
    admitted(admit('balanced', 'first')).release('responded');
    clock.time += 100;
    expect(hung.map((attempt) => attempt.release('timed_out'))).toEqual(Array(8).fill(false));
    for (let response = 0; response < 8; response += 1)
      admitted(admit('balanced', 'first')).release('responded');
    const together = Array.from({ length: 8 }, () => admit('balanced', 'first'));
    expect(together.filter((admission) => admission instanceof Promise)).toEqual([]);
  });

  it('lets callbacks wait for the window of a quick endpoint, in order', async () => {
    const { admit } = gateWith({ endpointConcurrency: 1 });
    makeQuick(admit, 'busy');
    const holder = admitted(admit('busy', 'first'));
    const second = admit('busy', 'first');
    const third = admit('busy', 'first');
    holder.release('responded');
    const next = admitted(await second);
    next.release('responded');
    await expect(third).resolves.toMatchObject({ kind: 'admitted' });
  });

  it('defers waiting callbacks when the endpoint becomes slow', async () => {
    const { admit, clock, gate } = gateWith({ endpointConcurrency: 1, timeoutMs: 5_000 });
    makeQuick(admit, 'turning');
    const holder = admitted(admit('turning', 'first'));
    const waiting = admit('turning', 'first');
    clock.time += 2_000;
    const late = admit('turning', 'first');
    await expect(waiting).resolves.toMatchObject({ kind: 'deferred', reason: 'endpoint_busy' });
    await expect(late).resolves.toMatchObject({ kind: 'deferred', reason: 'endpoint_busy' });
    holder.release('failed');
    expect(gate.inUse('first')).toBe(0);
  });

  it('keeps permits of first and later attempts apart', () => {
    const { admit } = gateWith({ concurrency: 8, retryConcurrency: 8 });
    for (let other = 0; other < 20; other += 1) void admit(`slow ${other}`, 'retry');
    expect(admit('another', 'retry')).toMatchObject({ kind: 'deferred', reason: 'endpoint_unproven' });
    expect(admitted(admit('another', 'first')).kind).toBe('admitted');
  });

  it('learns nothing from an attempt that was not made', () => {
    const { admit, gate } = gateWith();
    for (let fault = 0; fault < 10; fault += 1) admitted(admit('a', 'first')).release('not_made');
    expect(gate.inUse('first')).toBe(0);
  });
});
