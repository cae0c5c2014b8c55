import type { CallbackRepository } from '../../src/service-callbacks/callbacks/callback.repository.js';
import type { JobProcessor } from '../../src/service-callbacks/queues/fetch-loop.js';
import type { AnyJob } from '../../src/service-callbacks/queues/queue-backend.js';
import type { HeldEndpoint, Holds } from '../../src/service-callbacks/holds/holds.js';
import type { Settler } from '../../src/service-callbacks/delivery/settler.js';
import type { BatchJobData } from '../../src/service-callbacks/queues/batch-job.js';

/** How a mutant differs from the real protocol, which is empty here. */
export interface Mutant {
  /** Replaces a part of a statement. */
  readonly rewrite?: (statement: string) => string;
  /** The relay's mark commits after its jobs are added. It is to be found by what becomes of the callbacks. */
  readonly commitsLate?: boolean;
  /** A job is completed before its dispositions are written. */
  readonly isHasty?: boolean;
  /** What the sweep does with an old batch, instead of looking for it in the queues. */
  readonly sweepsBlindly?: (callbacks: CallbackRepository, batch: string) => Promise<unknown>;
  /** What admission does if an endpoint is on hold. */
  readonly whenHeld?: (holds: Holds, endpoint: HeldEndpoint, now: number) => void;
  readonly process?: (
    job: AnyJob,
    settler: Pick<Settler, 'settle'>,
  ) => ReturnType<JobProcessor['process']> | undefined;
}

export const AS_IT_IS: Mutant = {};

const BY_STATE = `c.batch = s.batch AND (c.state || '') = 'queued'`;
const APPLIES_SUCCESS = `c.generation = s.generation AND (c.state || '') <> 'delivered'`;

const LIFT = `UPDATE service_callback_holds h SET state = 'releasing', lifted_at = now(), release_window = 1`;

function replacing(
  ...changes: readonly (readonly [part: string, by: string])[]
): (statement: string) => string {
  return (statement) => changes.reduce((text, [part, by]) => text.replaceAll(part, by), statement);
}

const readAll = replacing(
  ['c.reason, c.batch, ', 'c.reason, $1::uuid AS batch, '],
  [`AND c.batch = $1 AND (c.state || '') = 'queued'`, ''],
);

/** A mutant, a seed that finds it quickly, and the promise that it breaks. */
interface Caught extends Mutant {
  readonly seed: number;
  readonly breaks: RegExp;
}

export const MUTANTS: Readonly<Record<string, Caught>> = {
  'adds its jobs before the mark commits, and settles by state': {
    seed: 2,
    breaks: /was delivered and is pending/,
    commitsLate: true,
    rewrite: replacing([APPLIES_SUCCESS, BY_STATE], [') OR s.attempt IS NOT NULL)', '))']),
  },
  'completes a job before it settles': {
    seed: 1,
    breaks: /is sent twice at once|would send it/,
    isHasty: true,
  },
  'runs a job again without reading which of its callbacks are open': {
    seed: 1,
    breaks: /is sent again although it is|would send it/,
    rewrite: (statement) => (statement.includes('is_deleted') ? readAll(statement) : statement),
  },
  'takes old batches anew without asking the queues': {
    seed: 2,
    breaks: /is sent twice at once|would send it/,
    sweepsBlindly: (callbacks, batch) => callbacks.rescheduleBatch(batch, 0),
  },
  'lets a late failure beat a success': {
    seed: 1,
    breaks: /went from (delivered|given_up) to/,
    rewrite: replacing([BY_STATE, 'c.generation = s.generation']),
  },
  'does not let a late success beat a failure': {
    seed: 1,
    breaks: /was delivered and is/,
    rewrite: replacing([APPLIES_SUCCESS, BY_STATE]),
  },
  'counts an attempt as often as it is settled': {
    seed: 1,
    breaks: /are counted/,
    rewrite: replacing(['AND NOT c.attempts @> jsonb_build_array(s.attempt)', '']),
  },
  'deletes a hold when it is lifted': {
    seed: 7,
    breaks: /nothing failed since it was released/,
    rewrite: replacing([LIFT, 'DELETE FROM service_callback_holds h']),
  },
  'puts an endpoint on hold at admission': {
    seed: 1,
    breaks: /nothing failed since it was released/,
    whenHeld: (holds, endpoint, now) => void holds.put(endpoint, 'circuit_open', 1_000, now),
  },
  'gives a whole batch up as stalled': {
    seed: 1,
    breaks: /was given up as stalled/,
    process: giveUpStalled,
  },
};

/** After its workers ended twice. */
function giveUpStalled(job: AnyJob, settler: Pick<Settler, 'settle'>) {
  const { callbacks, endpoints } = job.data as BatchJobData;
  if (job.stalledCounter < 2) return undefined;
  const settled = callbacks.map(({ id, generation, endpoint }) =>
    settler.settle({
      id,
      endpointId: endpoints[endpoint]?.id ?? '',
      batch: job.id ?? '',
      generation,
      disposition: { kind: 'giveUp', reason: 'stalled' },
    }),
  );
  return Promise.all(settled).then(() => 'complete' as const);
}
