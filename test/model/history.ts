import type { Settlement } from '../../src/service-callbacks/callbacks/state-machine.js';
import { MAIN_QUEUE } from '../../src/service-callbacks/queues/queue-names.js';
import type { BatchJobData } from '../../src/service-callbacks/queues/batch-job.js';
import type { ModelJob } from './model-queues.js';

/** A record, as the database has it after a step. */
export interface Row {
  readonly id: string;
  readonly state: string;
  readonly reason: string | null;
  readonly batch: string | null;
  readonly generation: number;
  readonly attempt_count: number;
  /** Unix ms. */
  readonly due_at: number | null;
}

/** A worker's work on one job, from its claim. */
export interface Run {
  job: ModelJob;
  /** The generation of each of its callbacks. */
  readonly callbacks: ReadonlyMap<string, number>;
  /** Its worker sends without reading first which callbacks are open. */
  readonly isFresh: boolean;
  readonly addedAt: number;
  readonly claimedAt: number;
  /** Its process ended, or its lock expired. */
  isLost: boolean;
  /** Callbacks that it sent, marked and settled. */
  readonly sent: Set<string>;
  readonly marked: Set<string>;
  readonly settled: Set<string>;
}

/** A worker trusts a job of the main queue for this long, ms. */
const FRESH_MS = 2_000;
/** With fewer interrupted attempts, a callback must not be given up as stalled. */
const MIN_STALLS = 5;

/** Records what happened, and checks what must never happen. */
export class History {
  /** Callbacks whose transaction committed. */
  readonly committed = new Set<string>();
  private rows = new Map<string, Row>();
  private time = 0;
  private violation: Error | undefined;
  /** `endpoint time` of attempts that failed. */
  private readonly failures = new Set<string>();
  private readonly onHold = new Set<string>();
  private readonly liftedAt = new Map<string, number>();
  private readonly runs: Run[] = [];
  private readonly addedAt = new WeakMap<ModelJob, number>();
  /** When the record was finished, by id. */
  private readonly finishedAt = new Map<string, number>();
  /** `id generation` of callbacks in a run that was lost. */
  private readonly lostOnce = new Set<string>();
  private readonly attempts = new Map<string, number>();
  /** How many attempts of a callback's generation were interrupted. */
  private readonly interruptions = new Map<string, number>();

  /** @param onlyOutcomes jobs whose callbacks are not marked, and attempts that are not counted, are no violations */
  constructor(private readonly onlyOutcomes: boolean) {}

  begin(job: ModelJob, now: number): Run {
    const { recheck, callbacks } = job.data as BatchJobData;
    const run: Run = {
      job,
      callbacks: new Map(callbacks.map(({ id, generation }) => [id, generation])),
      isFresh:
        job.queue === MAIN_QUEUE &&
        !recheck &&
        job.starts === 1 &&
        job.stalls === 0 &&
        now - job.timestamp <= FRESH_MS,
      addedAt: this.addedAt.get(job) ?? 0,
      claimedAt: this.time,
      isLost: false,
      sent: new Set(),
      marked: new Set(),
      settled: new Set(),
    };
    this.runs.push(run);
    return run;
  }

  /** The process of a run ended, its lock expired, or its job is gone. */
  lost(run: Run): void {
    if (run.isLost) return;
    run.isLost = true;
    for (const [id, generation] of run.callbacks) {
      if (run.settled.has(id)) continue;
      this.lostOnce.add(`${id} ${generation}`);
      if (run.marked.has(id)) this.interruptions.set(id, (this.interruptions.get(id) ?? 0) + 1);
    }
  }

  runsOf(job: ModelJob): Run[] {
    return this.runs.filter((run) => run.job === job);
  }

  /**
   * A request reaches the endpoint.
   * @throws at the next check: an error thrown here would be the process's own
   */
  sent(run: Run, id: string): void {
    try {
      this.checkSent(run, id);
    } catch (error) {
      this.violation ??= error as Error;
    }
  }

  private checkSent(run: Run, id: string): void {
    const row = this.rows.get(id);
    if (!row || !this.committed.has(id)) throw new Error(`${id} was sent and never committed`);
    const generation = run.callbacks.get(id) ?? 0;
    const wasLost = run.isLost || this.lostOnce.has(`${id} ${generation}`);
    const others = this.runs.filter(
      (other) =>
        other !== run &&
        !other.isLost &&
        other.sent.has(id) &&
        !other.settled.has(id) &&
        other.callbacks.get(id) === generation,
    );
    run.sent.add(id);
    // A worker that lost its lock may still return callbacks that it has not sent.
    if (others.length > 0 && !wasLost) throw new Error(`${id} is sent twice at once, and no worker was lost`);
    const isOver = row.generation > generation || isFinished(row);
    if (!isOver || run.isLost) return;
    const finishedAt = this.finishedAt.get(id) ?? 0;
    const beganBefore = run.claimedAt < finishedAt || (run.isFresh && run.addedAt < finishedAt);
    if (!wasLost || !beganBefore) throw new Error(`${id} is sent again although it is ${row.state}`);
  }

  /** An attempt that began at this time failed. */
  failed(run: Run, id: string, startedAt: number): void {
    const { endpoints, callbacks } = run.job.data as BatchJobData;
    const endpoint = endpoints[callbacks.find((one) => one.id === id)?.endpoint ?? 0]?.id ?? '';
    this.failures.add(`${endpoint} ${startedAt}`);
  }

  lifted(endpointId: string, now: number): void {
    this.liftedAt.set(endpointId, now);
    this.onHold.delete(endpointId);
  }

  isHeld(endpointId: string): boolean {
    return this.onHold.has(endpointId);
  }

  /**
   * An endpoint goes on hold because of a failed attempt that began after the last hold was lifted.
   * @param startedAt of the attempt, as the database computes it: the statement takes time as well
   */
  held(endpointId: string, startedAt: number, computedAt: number): void {
    this.onHold.add(endpointId);
    const isFailure = this.failures.has(`${endpointId} ${startedAt}`);
    if (!isFailure || computedAt < (this.liftedAt.get(endpointId) ?? 0))
      this.violation ??= new Error(`${endpointId} is on hold, and nothing failed since it was released`);
  }

  settled(run: Run | undefined, { id, attempt }: Settlement): void {
    run?.settled.add(id);
    if (!attempt) return;
    this.attempts.set(id, (this.attempts.get(id) ?? 0) + 1);
  }

  /**
   * Called after every step.
   * @param delivered what this step has settled with a 2xx
   * @throws if something happened that must not
   */
  observe(
    rows: readonly Row[],
    jobs: readonly ModelJob[],
    now: number,
    delivered: readonly Settlement[],
  ): void {
    if (this.violation !== undefined) throw this.violation;
    this.time += 1;
    for (const job of jobs) if (!this.addedAt.has(job)) this.addedAt.set(job, this.time);
    const before = this.rows;
    this.rows = new Map(rows.map((row) => [row.id, row]));
    for (const id of this.committed) if (!this.rows.has(id)) throw new Error(`${id} has no record`);
    for (const row of rows) {
      this.checkTransition(before.get(row.id), row);
      if (this.onlyOutcomes) continue;
      this.checkJobs(row, jobs, now);
      const attempts = this.attempts.get(row.id) ?? 0;
      if (row.attempt_count !== attempts)
        throw new Error(`${row.id} had ${attempts} attempts, and ${row.attempt_count} are counted`);
    }
    this.checkProbes(jobs);
    for (const { id, generation } of delivered) {
      const row = this.rows.get(id);
      if (row?.generation === generation && row.state !== 'delivered')
        throw new Error(`${id} was delivered and is ${row.state}`);
    }
  }

  /** Called when nothing more can happen. */
  end(jobs: readonly ModelJob[]): void {
    for (const row of this.rows.values())
      if (!isFinished(row)) throw new Error(`${row.id} stays ${row.state}`);
    const [job] = jobs;
    if (job) throw new Error(`job ${job.id} stays in ${job.queue}`);
  }

  get isOver(): boolean {
    return [...this.rows.values()].every(isFinished);
  }

  has(...states: readonly string[]): boolean {
    return [...this.rows.values()].some(({ state }) => states.includes(state));
  }

  /** Whether a relay has anything to take. */
  isDue(now: number): boolean {
    return [...this.rows.values()].some(
      ({ state, due_at: at }) => state === 'pending' || (at !== null && at <= now),
    );
  }

  finishedIds(): string[] {
    return [...this.rows.values()].filter(isFinished).map(({ id }) => id);
  }

  private checkTransition(before: Row | undefined, row: Row): void {
    const { id, state, generation } = row;
    if (isFinished(row) && (!before || !isFinished(before))) this.finishedAt.set(id, this.time);
    if (!before) return;
    const name = `${id} went from ${before.state} to ${state}`;
    if (generation < before.generation) throw new Error(`${name} of an earlier generation`);
    if (generation > before.generation) {
      if (!isFinished(before) || state !== 'pending') throw new Error(`${name} as a replay`);
      this.interruptions.set(id, 0);
    } else if (before.state === 'delivered' && state !== 'delivered') throw new Error(name);
    else if (before.state === 'given_up' && !isFinished(row)) throw new Error(name);
    if (row.reason === 'stalled' && before.reason !== 'stalled') {
      const stalls = this.interruptions.get(id) ?? 0;
      if (stalls < MIN_STALLS)
        throw new Error(`${id} was given up as stalled, and had stalled ${stalls} times`);
    }
  }

  /** No callback is in two live batches: at most one job would send it. */
  private checkJobs({ id, state, batch }: Row, jobs: readonly ModelJob[], now: number): void {
    const live = jobs.filter((job) => holds(job, id) && this.isLive(job));
    const own = live.filter((job) => state === 'queued' && job.id === batch);
    if (own.length > 1) throw new Error(`${id} is in ${own.length} jobs`);
    const fresh = live.filter(
      (job) =>
        job.id !== batch &&
        job.token === undefined &&
        job.starts === 0 &&
        job.queue === MAIN_QUEUE &&
        !(job.data as BatchJobData).recheck &&
        now - job.timestamp <= FRESH_MS &&
        !this.lostOnce.has(`${id} ${generationIn(job, id)}`),
    );
    if (fresh.length > 0)
      throw new Error(`${id} is ${state} in batch ${batch}, and job ${fresh[0]?.id} would send it`);
  }

  /** One probe at a time for each endpoint. */
  private checkProbes(jobs: readonly ModelJob[]): void {
    const probed = jobs
      .filter((job) => (job.data as BatchJobData).next_probe_at !== undefined && this.isLive(job))
      .filter(({ id, data }) => {
        const row = this.rows.get((data as BatchJobData).callbacks[0]?.id ?? '');
        return row?.state === 'queued' && row.batch === id;
      })
      .map(({ data }) => (data as BatchJobData).endpoints[0]?.id);
    if (new Set(probed).size < probed.length) throw new Error(`${probed.join(' and ')} are probed at once`);
  }

  private isLive(job: ModelJob): boolean {
    return job.token === undefined || this.runsOf(job).some(({ isLost }) => !isLost);
  }
}

function generationIn({ data }: ModelJob, id: string): number | undefined {
  return (data as BatchJobData).callbacks.find((one) => one.id === id)?.generation;
}

function holds(job: ModelJob, id: string): boolean {
  return (job.data as BatchJobData).callbacks.some((one) => one.id === id);
}

function isFinished({ state }: Row): boolean {
  return state === 'delivered' || state === 'given_up';
}
