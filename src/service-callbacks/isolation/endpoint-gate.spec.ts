import { describe, expect, it } from '@jest/globals';
import { Clock } from '../clock.js';
import { deliveryOptions } from '../service-callbacks.defaults.js';
import { EndpointGate, type Admission, type Deferral, type Permit } from './endpoint-gate.js';

/** A clock that stands until it is moved. */
class HeldClock extends Clock {
  time = 1_000_000;

  override now(): number {
    return this.time;
  }
}

function gateWith(delivery: Parameters<typeof deliveryOptions>[0]['delivery'] = {}) {
  const clock = new HeldClock();
  const options = deliveryOptions({
    queue: { backend: 'postgres' },
    encryptionKeys: [],
    delivery: {
      concurrency: 80,
      endpointConcurrency: 40,
      circuitFailures: 3,
      circuitOpenMs: 10_000,
      ...delivery,
    },
  });
  return { clock, gate: new EndpointGate(options, clock) };
}

function admitted(admission: Admission | Promise<Admission>): Permit {
  if (admission instanceof Promise || admission.kind !== 'admitted') throw new Error('not admitted');
  return admission;
}

function makeQuick(gate: EndpointGate, key: string): void {
  admitted(gate.admit(key, 'first')).release('answered');
}

describe('EndpointGate', () => {
  it('turns a hog away before it has all, and lets a newcomer in', () => {
    const { gate } = gateWith({ endpointConcurrency: 80 });
    const admissions = Array.from({ length: 80 }, () => gate.admit('hog', 'first'));
    const turnedAway = admissions.filter(
      (admission) => !(admission instanceof Promise) && admission.kind === 'deferred',
    );
    expect(turnedAway.length).toBeGreaterThan(20);
    expect(gate.inUse('first')).toBe(55);
    expect(admitted(gate.admit('newcomer', 'first')).kind).toBe('admitted');
  });

  it('puts the backlog of an endpoint that has not answered yet off for a moment, out of any line', () => {
    const { gate, clock } = gateWith();
    const admissions = Array.from({ length: 10_000 }, () => gate.admit('new', 'first'));
    const last = admissions.at(-1);
    expect(last).toMatchObject({ kind: 'deferred', reason: 'endpoint_unproven', briefly: true });
    expect((last as Deferral).until).toBeLessThanOrEqual(clock.time + 600);
  });

  it('asks ever less often behind an endpoint that has had no slot to answer from', () => {
    const { gate, clock } = gateWith({ concurrency: 8 });
    for (let hog = 0; hog < 20; hog += 1) void gate.admit(`hog ${hog}`, 'first');
    const early = gate.admit('late', 'first') as Deferral;
    expect(early.until - clock.time).toBeLessThanOrEqual(600);
    clock.time += 3_000;
    const later = gate.admit('late', 'first') as Deferral;
    expect(later).toMatchObject({ reason: 'endpoint_unproven', briefly: true });
    expect(later.until - clock.time).toBeGreaterThanOrEqual(1_500);
    clock.time += 60_000;
    const last = gate.admit('late', 'first') as Deferral;
    expect(last.until - clock.time).toBeLessThanOrEqual(7_500);
  });

  it('asks ever less often behind one that is only looked at, too', () => {
    const { gate, clock } = gateWith({ retryConcurrency: 8 });
    for (let hog = 0; hog < 20; hog += 1) void gate.admit(`hog ${hog}`, 'retry');
    gate.peek('late', 'retry');
    clock.time += 3_000;
    expect((gate.peek('late', 'retry')?.until ?? 0) - clock.time).toBeGreaterThanOrEqual(1_500);
  });

  it('puts the backlog of a slow endpoint into a line', () => {
    const { gate, clock } = gateWith();
    for (let callback = 0; callback < 100; callback += 1) void gate.admit('hanging', 'first');
    clock.time += 2_000;
    expect(gate.peek('hanging', 'first')).toMatchObject({ reason: 'process_busy', briefly: false });
  });

  it('gives a quick endpoint the reserve too', () => {
    const { gate } = gateWith();
    makeQuick(gate, 'quick');
    for (let hog = 0; hog < 100; hog += 1) {
      for (let callback = 0; callback < 10; callback += 1) void gate.admit(`hog ${hog}`, 'first');
    }
    expect(gate.inUse('first')).toBe(60);
    expect(admitted(gate.admit('quick', 'first')).kind).toBe('admitted');
  });

  it('defers without an attempt while a circuit is open, and lets one probe through after', () => {
    const { gate, clock } = gateWith();
    for (let failure = 0; failure < 3; failure += 1) admitted(gate.admit('down', 'first')).release('failed');
    const deferral = gate.admit('down', 'first') as Deferral;
    expect(deferral).toMatchObject({ kind: 'deferred', reason: 'circuit_open', briefly: false });
    // Up to the spacing of its line later.
    expect(deferral.until - clock.time).toBeGreaterThanOrEqual(10_000);
    expect(deferral.until - clock.time).toBeLessThanOrEqual(10_010);
    expect(gate.circuits()).toEqual({ closed: 0, open: 1, half_open: 0 });
    clock.time += 10_000;
    const probe = admitted(gate.admit('down', 'retry'));
    expect(gate.admit('down', 'first')).toMatchObject({ kind: 'deferred', reason: 'circuit_open' });
    probe.release('answered');
    expect(admitted(gate.admit('down', 'first')).kind).toBe('admitted');
  });

  it('asks one that is silent one at a time, and after six timeouts in a row not at all', () => {
    const { gate, clock } = gateWith({ circuitFailures: 20, timeoutMs: 5_000 });
    const together = Array.from({ length: 4 }, () => admitted(gate.admit('silent', 'first')));
    clock.time += 5_000;
    for (const attempt of together) attempt.release('timed_out');
    const next = admitted(gate.admit('silent', 'first'));
    expect(gate.admit('silent', 'first')).toBeInstanceOf(Promise);
    clock.time += 5_000;
    next.release('timed_out');
    expect(gate.circuits()).toMatchObject({ closed: 1 });
    const last = admitted(gate.admit('silent', 'retry'));
    clock.time += 5_000;
    last.release('timed_out');
    expect(gate.circuits()).toMatchObject({ open: 1 });
  });

  it('asks one that has fallen silent once more only when the last has been silent as long', async () => {
    const { gate, clock } = gateWith({ timeoutMs: 5_000 });
    for (let attempt = 0; attempt < 4; attempt += 1) admitted(gate.admit('hanging', 'first'));
    clock.time += 1_900;
    admitted(gate.admit('hanging', 'first'));
    clock.time += 1_900;
    expect(gate.peek('hanging', 'first')).toMatchObject({ reason: 'endpoint_busy', briefly: false });
    await expect(gate.admit('hanging', 'first')).resolves.toMatchObject({ reason: 'endpoint_busy' });
    clock.time += 100;
    expect(gate.peek('hanging', 'retry')).toBeUndefined();
    const another = admitted(gate.admit('hanging', 'retry'));
    expect(gate.peek('hanging', 'retry')).toMatchObject({ reason: 'endpoint_busy' });
    another.release('answered');
    expect(admitted(gate.admit('hanging', 'first')).kind).toBe('admitted');
  });

  it('does not hold back what comes after a single attempt that was lost', () => {
    const { gate, clock } = gateWith({ timeoutMs: 5_000 });
    makeQuick(gate, 'quick');
    admitted(gate.admit('quick', 'first'));
    clock.time += 2_500;
    const burst = Array.from({ length: 10 }, () => gate.admit('quick', 'first'));
    expect(burst.map((admission) => admitted(admission).kind)).toEqual(Array(10).fill('admitted'));
  });

  it('does not call silent what was only begun and never made', () => {
    const { gate, clock } = gateWith({ timeoutMs: 5_000 });
    const begun = [gate.admit('new', 'first'), gate.admit('new', 'first')].map(admitted);
    clock.time += 2_500;
    for (const attempt of begun) attempt.release('not_made');
    expect(gate.peek('new', 'first')).toBeUndefined();
    expect(admitted(gate.admit('new', 'first')).kind).toBe('admitted');
  });

  it('does not look busy to the probe, whatever still hangs', () => {
    const { gate, clock } = gateWith({ timeoutMs: 60_000, endpointConcurrency: 4, circuitFailures: 2 });
    const hung = admitted(gate.admit('down', 'first'));
    for (let failure = 0; failure < 2; failure += 1) admitted(gate.admit('down', 'first')).release('failed');
    clock.time += 30_000;
    expect(gate.peek('down', 'retry')).toBeUndefined();
    expect(admitted(gate.admit('down', 'retry')).kind).toBe('admitted');
    expect(gate.peek('down', 'retry')).toMatchObject({ reason: 'circuit_open' });
    hung.release('timed_out');
  });

  it('does not take one that hangs now and then for silent', () => {
    const { gate, clock } = gateWith({ circuitFailures: 20, timeoutMs: 5_000 });
    makeQuick(gate, 'balanced');
    const hung = Array.from({ length: 8 }, () => admitted(gate.admit('balanced', 'first')));
    clock.time += 4_900;
    admitted(gate.admit('balanced', 'first')).release('answered');
    clock.time += 100;
    for (const attempt of hung) attempt.release('timed_out');
    expect(gate.circuits()).toMatchObject({ closed: 1 });
    for (let answer = 0; answer < 8; answer += 1)
      admitted(gate.admit('balanced', 'first')).release('answered');
    const together = Array.from({ length: 8 }, () => gate.admit('balanced', 'first'));
    expect(together.filter((admission) => admission instanceof Promise)).toEqual([]);
  });

  it('ramps up after a recovery: one, then two', async () => {
    const { gate, clock } = gateWith();
    for (let failure = 0; failure < 3; failure += 1) admitted(gate.admit('down', 'first')).release('failed');
    clock.time += 10_000;
    admitted(gate.admit('down', 'first')).release('answered');
    const first = admitted(gate.admit('down', 'first'));
    const second = gate.admit('down', 'first');
    expect(second).toBeInstanceOf(Promise);
    const third = gate.admit('down', 'first');
    first.release('answered');
    await expect(second).resolves.toMatchObject({ kind: 'admitted' });
    await expect(third).resolves.toMatchObject({ kind: 'admitted' });
  });

  it('lets callbacks wait for the window of a quick endpoint, and go in order', async () => {
    const { gate } = gateWith({ endpointConcurrency: 1 });
    makeQuick(gate, 'busy');
    const holder = admitted(gate.admit('busy', 'first'));
    const second = gate.admit('busy', 'first');
    const third = gate.admit('busy', 'first');
    holder.release('answered');
    const next = admitted(await second);
    next.release('answered');
    await expect(third).resolves.toMatchObject({ kind: 'admitted' });
  });

  it('sends those who wait away once the endpoint turns slow', async () => {
    const { gate, clock } = gateWith({ endpointConcurrency: 1, timeoutMs: 5_000 });
    makeQuick(gate, 'turning');
    const holder = admitted(gate.admit('turning', 'first'));
    const waiting = gate.admit('turning', 'first');
    clock.time += 2_000;
    const late = gate.admit('turning', 'first');
    await expect(waiting).resolves.toMatchObject({ kind: 'deferred', reason: 'endpoint_busy' });
    await expect(late).resolves.toMatchObject({ kind: 'deferred', reason: 'endpoint_busy' });
    holder.release('failed');
    expect(gate.inUse('first')).toBe(0);
  });

  it('keeps slots of first and later attempts apart', () => {
    const { gate } = gateWith({ concurrency: 8, retryConcurrency: 8 });
    for (let hog = 0; hog < 20; hog += 1) void gate.admit(`hog ${hog}`, 'retry');
    expect(gate.admit('another', 'retry')).toMatchObject({ kind: 'deferred', reason: 'endpoint_unproven' });
    expect(admitted(gate.admit('another', 'first')).kind).toBe('admitted');
  });

  it('learns nothing from an attempt that was not made', () => {
    const { gate } = gateWith();
    for (let fault = 0; fault < 10; fault += 1) admitted(gate.admit('a', 'first')).release('not_made');
    expect(gate.circuits()).toEqual({ closed: 1, open: 0, half_open: 0 });
    expect(gate.inUse('first')).toBe(0);
  });
});
