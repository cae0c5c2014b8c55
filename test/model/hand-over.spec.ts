import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DeliverySystem, PROTOCOL, type Answer, type Protocol } from './delivery-protocol.js';

const RUNS = 5_000;

/** What happens next, to be printed as it reads where an interleaving loses. */
class Happening implements fc.Command<object, DeliverySystem> {
  constructor(
    private readonly words: string,
    private readonly happen: (system: DeliverySystem) => void,
  ) {}

  check(): boolean {
    return true;
  }

  run(_model: object, system: DeliverySystem): void {
    this.happen(system);
    expectPromiseKept(system);
  }

  toString(): string {
    return this.words;
  }
}

function expectPromiseKept(system: DeliverySystem): void {
  const [lost] = system.lost();
  if (lost !== undefined) throw new Error(`${lost} committed and is nowhere`);
  const [invented] = system.invented();
  if (invented !== undefined) throw new Error(`${invented} was sent and never committed`);
}

const answer = fc.constantFrom<Answer>('delivered', 'retryable', 'final');
const queue = fc.constantFrom('main' as const, 'retry' as const);
const nth = fc.nat(5);

const step = nth.map((n) => new Happening(`step ${n}`, (system) => system.step(n)));
const happenings = [
  fc
    .tuple(fc.constantFrom('a', 'b', 'c'), fc.boolean())
    .map(
      ([id, commits]) =>
        new Happening(`produce ${id}, ${commits ? 'commit' : 'roll back'}`, (system) =>
          system.produce(id, commits),
        ),
    ),
  fc.constant(new Happening('relay', (system) => system.relay())),
  fc
    .tuple(queue, answer)
    .map(([from, says]) => new Happening(`work ${from}: ${says}`, (system) => system.work(from, says))),
  step,
  step,
  step,
  nth.map((n) => new Happening(`crash ${n}`, (system) => system.crash(n))),
  nth.map((n) => new Happening(`replay ${n}`, (system) => system.replay(n))),
];

/** Nothing crashes any more and every endpoint answers: all that is on its way must end. */
function settle(system: DeliverySystem): void {
  for (let turn = 0; turn < 1_000 && !system.isQuiet; turn += 1) {
    system.relay();
    system.work('main', 'delivered');
    system.work('retry', 'delivered');
    for (let n = 0; n < 12; n += 1) system.step(n);
    expectPromiseKept(system);
  }
}

function promiseOf(protocol: Protocol) {
  return fc.property(fc.commands(happenings, { maxCommands: 60, size: 'max' }), (commands) => {
    const system = new DeliverySystem(protocol);
    fc.modelRun(() => ({ model: {}, real: system }), commands);
    settle(system);
  });
}

describe('the protocol between the stores, with a crash between any two operations', () => {
  it(`keeps the promise in ${RUNS} interleavings`, () => {
    expect(() => fc.assert(promiseOf(PROTOCOL), { numRuns: RUNS })).not.toThrow();
  });

  const mutants: readonly (readonly [string, Partial<Protocol>])[] = [
    ['enqueues after the commit', { enqueue: 'after the commit' }],
    ['deletes from the outbox before it adds to the queue', { relay: 'delete, then add' }],
    ['removes the first job before it adds the retry', { handOver: 'remove, then add' }],
    ['removes a job before its dead letter is written', { bury: 'remove, then write' }],
    [
      'keeps jobs that have ended, and replays under their id',
      { ended: 'is kept', replay: 'same generation' },
    ],
  ];

  it.each(mutants)('one that %s is caught, by a short story', (_, mutation) => {
    const details = fc.check(promiseOf({ ...PROTOCOL, ...mutation }), { numRuns: 20 * RUNS });
    expect(details.failed).toBe(true);
    const [story] = details.counterexample ?? [];
    expect(String(details.errorInstance)).toContain('is nowhere');
    expect([...(story ?? [])].length).toBeLessThanOrEqual(40);
  });
});
