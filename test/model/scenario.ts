import fc from 'fast-check';
import type { Mutant } from './mutants.js';
import type { Choice } from './steps.js';
import type { Store } from './store.js';
import { World } from './world.js';

type Event =
  | ({ readonly does: 'step'; readonly nth: number } & Choice)
  | { readonly does: 'enqueue'; readonly endpoint: number; readonly count: number; readonly commits: boolean }
  | { readonly does: 'sweep' | 'learn' | 'kill' | 'stop'; readonly process: number }
  | { readonly does: 'lift'; readonly process: number; readonly nth: number }
  | { readonly does: 'delay'; readonly nth: number; readonly times: number }
  | { readonly does: 'repeat' | 'replay' | 'stall'; readonly nth: number }
  | { readonly does: 'switch' | 'delete'; readonly endpoint: number }
  | { readonly does: 'wait' | 'flush' };

const nth = fc.nat(7);
const process = fc.constantFrom(0, 1);
const endpoint = fc.constantFrom(0, 1);

const step = fc.record({
  does: fc.constant('step' as const),
  nth: fc.constantFrom(0, 0, 0, 0, 1, 1, 2, 3, 5, 7),
  response: fc.constantFrom('delivered', 'delivered', 'retryable', 'final'),
  isAdmitted: fc.constantFrom(true, true, true, false),
  opens: fc.constantFrom('nothing', 'nothing', 'circuit_open', 'retry_after'),
  fault: fc.constantFrom('none', 'none', 'none', 'none', 'response_lost', 'repeated'),
  responds: fc.constantFrom(true, true, true, false),
});

const happens = <Does extends string>(...does: readonly Does[]) => fc.constantFrom(...does);

const anyEvent = fc.oneof(
  { weight: 220, arbitrary: step },
  {
    weight: 6,
    arbitrary: fc.record({ does: happens('delay'), nth, times: fc.integer({ min: 5, max: 40 }) }),
  },
  {
    weight: 14,
    arbitrary: fc.record({
      does: happens('enqueue'),
      endpoint,
      count: fc.integer({ min: 1, max: 3 }),
      commits: fc.constantFrom(true, true, true, false),
    }),
  },
  { weight: 12, arbitrary: fc.record({ does: happens('sweep', 'learn'), process }) },
  { weight: 6, arbitrary: fc.record({ does: happens('kill', 'stop'), process }) },
  { weight: 14, arbitrary: fc.record({ does: happens('stall', 'replay'), nth }) },
  { weight: 2, arbitrary: fc.record({ does: happens('repeat'), nth }) },
  { weight: 6, arbitrary: fc.record({ does: happens('lift'), process, nth }) },
  { weight: 10, arbitrary: fc.record({ does: happens('wait', 'wait', 'wait', 'wait', 'flush') }) },
  { weight: 1, arbitrary: fc.record({ does: happens('switch', 'switch', 'delete'), endpoint }) },
) as fc.Arbitrary<Event>;

/** The events of a scenario, in order. */
export const scenario = fc.array(anyEvent, { minLength: 60, maxLength: 300, size: 'max' });

/** @throws if something happens that must not */
export async function runScenario(store: Store, mutant: Mutant, events: readonly Event[]): Promise<void> {
  const world = await World.create(store, mutant);
  try {
    for (const event of events) {
      world.note(event);
      await happen(world, event);
      await world.observe();
    }
    await world.end();
  } catch (error) {
    throw new Error(`${(error as Error).message}, after:\n${world.trace.join('\n')}`, { cause: error });
  } finally {
    await world.close();
  }
}

async function happen(world: World, event: Event): Promise<void> {
  switch (event.does) {
    case 'step':
      return world.step(event.nth, event);
    case 'delay':
      return world.delay(event.nth, event.times);
    case 'enqueue':
      return world.enqueue(event.endpoint, event.count, event.commits);
    case 'sweep':
    case 'learn':
    case 'stop':
      return world[event.does](event.process);
    case 'lift':
      return world.lift(event.process, event.nth);
    case 'kill':
      return world.kill(event.process);
    case 'repeat':
    case 'replay':
      return world[event.does](event.nth);
    case 'stall':
      return world.stall(event.nth);
    case 'switch':
    case 'delete':
      return world[event.does](event.endpoint);
    case 'wait':
      return world.wait();
    case 'flush':
      return world.flush();
  }
}
