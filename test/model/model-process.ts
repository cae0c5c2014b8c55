import { AsyncLocalStorage } from 'node:async_hooks';
import { defaultsOf } from '../../src/config/setting.js';
import { sections } from '../../src/config/settings.js';
import type { HoldReason } from '../../src/service-callbacks/callbacks/callback.js';
import type {
  CallbackRepository,
  TakeLimits,
} from '../../src/service-callbacks/callbacks/callback.repository.js';
import type { Settlement } from '../../src/service-callbacks/callbacks/state-machine.js';
import type { CallbackClient } from '../../src/service-callbacks/transport/callback-client.js';
import { BatchOpener } from '../../src/service-callbacks/delivery/batch-opener.js';
import { DeliveryProcessor } from '../../src/service-callbacks/delivery/delivery-processor.js';
import type { GoneEndpoints } from '../../src/service-callbacks/delivery/gone-endpoints.js';
import { RetryPolicy } from '../../src/service-callbacks/delivery/retry-policy.js';
import type { Settled, Settler } from '../../src/service-callbacks/delivery/settler.js';
import type { DeliveryOutcome } from '../../src/service-callbacks/transport/delivery-outcome.js';
import type {
  Admission,
  EndpointGate,
  PermitPool,
} from '../../src/service-callbacks/isolation/endpoint-gate.js';
import type { HoldRepository } from '../../src/service-callbacks/holds/hold.repository.js';
import { Holds } from '../../src/service-callbacks/holds/holds.js';
import type { LegacyJobs } from '../../src/service-callbacks/legacy-jobs/legacy-jobs.js';
import { Batches } from '../../src/service-callbacks/queues/batches.js';
import { FetchLoop, type JobProcessor } from '../../src/service-callbacks/queues/fetch-loop.js';
import type { FetchingWorker } from '../../src/service-callbacks/queues/fetching-worker.js';
import type { AnyJob, QueueBackend, QueuedJob } from '../../src/service-callbacks/queues/queue-backend.js';
import { MAIN_QUEUE, RETRY_QUEUE } from '../../src/service-callbacks/queues/queue-names.js';
import type { CallbackRecorder } from '../../src/service-callbacks/recorder/callback-recorder.js';
import { Relay } from '../../src/service-callbacks/relay/relay.js';
import { SafetySweep } from '../../src/service-callbacks/relay/safety-sweep.js';
import type { Run } from './history.js';
import type { ModelJob } from './model-queues.js';
import type { Choice } from './steps.js';
import type { World } from './world.js';

const RETRIES = { maxRetries: 2, baseDelayMs: 5_000, maxDelayMs: 10_000 } as const;
const OPTIONS = {
  ...defaultsOf(sections.delivery),
  batchSize: 3,
  maxAgeMs: 300_000,
  circuitOpenMs: 1_000,
};
const RETRY_AFTER_MS = 5_000;
/** Permits of each queue. */
const PERMITS = 4;
const QUEUES = [MAIN_QUEUE, RETRY_QUEUE] as const;

/** Methods of the record that are one step each, unchanged. */
type Recorded =
  | 'isAnyDue'
  | 'takeHeld'
  | 'releaseStranded'
  | 'openOfBatch'
  | 'oldBatches'
  | 'idsOfBatch'
  | 'rescheduleBatch'
  | 'expire'
  | 'settle';

/**
 * One process: the real relay, sweep, fetch loops and processor, on stores and endpoints whose every operation is a
 * step of the scenario. Parts with a clock of their own are left out: the loops around the rounds, and the settler's
 * timer.
 */
export class ModelProcess {
  private readonly relay: Relay;
  private readonly holds: Holds;
  private readonly sweeping: SafetySweep;
  private readonly workers: ReadonlyMap<string, ModelWorker>;
  private readonly runs = new Map<string, Run>();
  private readonly current = new AsyncLocalStorage<Run | undefined>();
  private unsettled: { settlement: Settlement; run: Run | undefined; done: (settled: Settled) => void }[] =
    [];
  private isRelaying = false;
  private isSweeping = false;
  isStopping = false;

  constructor(private readonly world: World) {
    const callbacks = this.record();
    const backend = this.backend();
    this.holds = new Holds(this.holdRecord(), world.clock);
    const batches = new Batches(world.cipher);
    this.relay = new Relay(callbacks, batches, backend, this.holds, SILENT, world.clock, OPTIONS);
    this.sweeping = new SafetySweep(callbacks, batches, backend, SILENT, OPTIONS);
    const settler = { settle: (settlement: Settlement) => this.settle(settlement) } as unknown as Settler;
    const processor = new DeliveryProcessor(
      callbacks,
      new BatchOpener(callbacks, batches, world.cipher, world.clock),
      {} as LegacyJobs,
      {
        admit: (...asked: Parameters<EndpointGate['admit']>) => this.admit(...asked),
      } as unknown as EndpointGate,
      this.holds,
      { send: ({ id }: { id: string }) => this.send(id) } as unknown as CallbackClient,
      new RetryPolicy(RETRIES, () => 0),
      settler,
      SILENT,
      { disable: async () => undefined } as unknown as GoneEndpoints,
      world.clock,
      OPTIONS,
    );
    const ofRun: JobProcessor = {
      sizeOf: (job) => processor.sizeOf(job),
      process: (job, freed) =>
        this.current.run(
          this.runs.get(`${job.queueName} ${job.id}`),
          () => world.mutant.process?.(job, settler) ?? processor.process(job, freed),
        ),
    };
    this.workers = new Map(
      QUEUES.map((queue) => {
        const worker = new ModelWorker(queue);
        const onError = (error: unknown) => world.fail(error);
        const loop = new FetchLoop(worker as unknown as FetchingWorker, ofRun, {
          permits: PERMITS,
          lockDurationMs: 3_600_000,
          onError,
        });
        loop.start();
        void loop.resume();
        return [queue, worker.of(loop)];
      }),
    );
  }

  get isRelayIdle(): boolean {
    return !this.isRelaying && !this.isStopping;
  }

  relayRound(): void {
    this.isRelaying = true;
    const { steps, mutant, store } = this.world;
    void this.relay
      .round()
      .catch(() => 0)
      .then(() =>
        mutant.commitsLate ? steps.take(this, 'commit', () => store.end(this, 'COMMIT')) : undefined,
      )
      .finally(() => {
        this.isRelaying = false;
      });
  }

  sweep(): void {
    if (this.isSweeping || this.isStopping) return;
    this.isSweeping = true;
    void this.sweeping
      .sweep()
      .catch(() => undefined)
      .finally(() => {
        this.isSweeping = false;
      });
  }

  /** Reads its list of endpoints on hold again. */
  learn(): void {
    void this.holds.onModuleInit();
  }

  /** An endpoint was changed, or a test of it succeeded. */
  lift(endpointId: string): void {
    void this.holds.lift({ endpointId, serviceId: '', callbackType: '', url: '' }, 'test');
  }

  /** Whether the loop of its queue would fetch it. */
  waitsFor(job: ModelJob): boolean {
    return this.workers.get(job.queue)?.isWaiting === true;
  }

  fetch(job: ModelJob): void {
    const worker = this.workers.get(job.queue);
    if (!worker) return;
    const token = worker.token();
    this.world.queues.claim(job, token);
    const key = `${job.queue} ${job.id}`;
    const held = this.runs.get(key);
    // Its unfinished work continues under the new lock.
    if (held) held.job = job;
    else this.runs.set(key, this.world.history.begin(job, this.world.store.now));
    worker.give(this.jobOf(job, token));
  }

  /** SIGTERM: stops in the order of `Workers`. */
  stop(): void {
    if (this.isStopping) return;
    this.isStopping = true;
    for (const worker of this.workers.values()) void worker.stop();
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    this.world.steps.drop(this);
    await this.world.store.end(this, 'ROLLBACK');
    for (const run of this.runs.values()) this.world.history.lost(run);
    for (const worker of this.workers.values()) worker.kill();
  }

  private jobOf(job: ModelJob, token: string): AnyJob {
    const { queue, id, data, timestamp, stalls, starts } = job;
    const key = `${queue} ${id}`;
    return {
      id,
      queueName: queue,
      data,
      timestamp,
      token,
      stalledCounter: stalls,
      attemptsStarted: starts,
      moveToCompleted: (_: unknown, current: string) =>
        this.world.steps.take(this, `complete ${key}`, () => {
          this.runs.delete(key);
          this.world.queues.complete(queue, id, current);
        }),
    } as unknown as AnyJob;
  }

  private record(): CallbackRepository {
    const { steps, store, mutant } = this.world;
    const { callbacks } = store;
    const step =
      (name: Recorded) =>
      (...args: unknown[]) =>
        steps.take(this, name, () =>
          (callbacks[name] as (...args: unknown[]) => unknown).apply(callbacks, args),
        );
    const markAttempt = (id: string, batch: string) => {
      const run = this.current.getStore();
      return steps.take(this, `mark ${id}`, () => {
        run?.marked.add(id);
        return callbacks.markAttempt(id, batch);
      });
    };
    return {
      isAnyDue: step('isAnyDue'),
      takeHeld: step('takeHeld'),
      releaseStranded: step('releaseStranded'),
      take: (limits: TakeLimits) =>
        steps.take(this, 'take', () =>
          mutant.commitsLate ? store.takeOpen(this, limits) : callbacks.take(limits),
        ),
      settle: step('settle'),
      openOfBatch: step('openOfBatch'),
      oldBatches: step('oldBatches'),
      idsOfBatch: step('idsOfBatch'),
      rescheduleBatch: step('rescheduleBatch'),
      expire: step('expire'),
      markAttempt,
    } as unknown as CallbackRepository;
  }

  private backend(): QueueBackend {
    const { queues, steps, mutant } = this.world;
    return {
      add: (job: QueuedJob) => {
        const { now } = this.world.store;
        return steps.take(this, `add ${job.queue} ${job.id}`, ({ fault }: Choice) => {
          queues.add(job, now);
          if (fault === 'response_lost') throw new Error('Command timed out');
        });
      },
      waitingJobs: async (queue: string) => ({
        first: queues.waiting().filter((job) => job.queue === queue).length,
        later: 0,
      }),
      jobState: (queue: string, id: string) =>
        steps.take(this, 'jobState', async () => {
          await mutant.sweepsBlindly?.(this.world.store.callbacks, id);
          return queues.state(queue, id);
        }),
      ping: async () => undefined,
      assertUsable: () => undefined,
    } as unknown as QueueBackend;
  }

  private holdRecord(): HoldRepository {
    const { steps, store, history } = this.world;
    return {
      notLifted: () => steps.take(this, 'read the holds', () => store.holds.notLifted()),
      open: (endpointId: string, reason: HoldReason, forMs: number, ageMs: number) => {
        const startedAt = store.now - ageMs;
        return steps.take(this, `hold ${endpointId}`, async () => {
          const isNew = await store.holds.open(endpointId, reason, forMs, ageMs);
          if (isNew) history.held(endpointId, startedAt, store.now - ageMs);
          return isNew;
        });
      },
      lift: (endpointId: string) =>
        steps.take(this, `lift ${endpointId}`, async () => {
          const isLifted = await store.holds.lift(endpointId);
          if (isLifted) history.lifted(endpointId, this.world.store.now);
          return isLifted;
        }),
      releaseDue: () =>
        steps.take(this, 'release due holds', async () => {
          const released = await store.holds.releaseDue();
          for (const { endpointId } of released) history.lifted(endpointId, this.world.store.now);
          return released;
        }),
    } as unknown as HoldRepository;
  }

  private admit(endpointId: string, url: string, _pool: PermitPool, isProbe = false): Promise<Admission> {
    return this.world.steps.take<Admission>(this, 'admit', ({ isAdmitted, opens }) => {
      if (this.isStopping) return { kind: 'stopped' };
      const reason = isProbe ? undefined : this.holds.reasonFor(endpointId);
      if (reason !== undefined) {
        this.world.mutant.whenHeld?.(
          this.holds,
          { endpointId, serviceId: '', callbackType: '', url },
          this.world.store.now,
        );
        return { kind: 'held', reason };
      }
      if (isAdmitted)
        return { kind: 'admitted', release: (result) => result === 'failed' && opens === 'circuit_open' };
      return { kind: 'deferred', reason: 'endpoint_busy', nextAttemptAt: this.world.store.now + 1_000 };
    });
  }

  private send(id: string): Promise<DeliveryOutcome> {
    const run = this.current.getStore();
    const startedAt = this.world.store.now;
    return this.world.steps.take<DeliveryOutcome>(this, `send ${id}`, ({ response, opens }) => {
      if (run) this.world.history.sent(run, id);
      // Each attempt gets its own time, because two attempts with the same time count as one.
      this.world.attempts += 1;
      const durationMs = this.world.attempts;
      if (response === 'delivered') return { kind: 'delivered', statusCode: 200, durationMs };
      if (response === 'final') return { kind: 'final', failure: { statusCode: 404 }, durationMs };
      if (run) this.world.history.failed(run, id, startedAt);
      const retryAfterMs = opens === 'retry_after' ? RETRY_AFTER_MS : undefined;
      return {
        kind: 'retryable',
        failure: { statusCode: 503 },
        durationMs,
        ...(retryAfterMs && { retryAfterMs }),
      };
    });
  }

  /** Settlements of all jobs together; a statement has each record once. */
  private settle(settlement: Settlement): Promise<Settled> {
    const { promise, resolve } = Promise.withResolvers<Settled>();
    this.unsettled.push({ settlement, run: this.current.getStore(), done: resolve });
    if (this.unsettled.length === 1) void this.flush();
    return this.world.mutant.isHasty ? Promise.resolve('applied') : promise;
  }

  private async flush(): Promise<void> {
    const [entries, settled] = await this.world.steps.take(this, 'settle', async ({ fault }) => {
      const taken = new Map(this.unsettled.toReversed().map((entry) => [entry.settlement.id, entry]));
      const next = [...taken.values()];
      this.unsettled = this.unsettled.filter((entry) => !next.includes(entry));
      const settlements = next.map(({ settlement }) => settlement);
      for (const { run, settlement } of next) this.world.history.settled(run, settlement);
      const applied = await this.world.settle(settlements);
      if (fault === 'repeated') await this.world.settle(settlements);
      return [next, applied] as const;
    });
    if (this.unsettled.length > 0) void this.flush();
    for (const { settlement, done } of entries)
      done(settled.get(settlement.id) === true ? 'applied' : 'late');
  }
}

/** The part of BullMQ's worker that `FetchLoop` uses. */
class ModelWorker {
  private waiting:
    { readonly token: string; readonly resolve: (job: AnyJob | undefined) => void } | undefined;
  private loop: FetchLoop | undefined;
  private paused = false;
  readonly id = crypto.randomUUID();

  constructor(readonly name: string) {}

  of(loop: FetchLoop): this {
    this.loop = loop;
    return this;
  }

  get isWaiting(): boolean {
    return this.waiting !== undefined;
  }

  token(): string {
    return this.waiting?.token ?? '';
  }

  give(job: AnyJob | undefined): void {
    const { waiting } = this;
    this.waiting = undefined;
    waiting?.resolve(job);
  }

  stop(): Promise<void> {
    return this.loop?.stop() ?? Promise.resolve();
  }

  kill(): void {
    this.waiting = undefined;
    // A killed process loses these.
    clearInterval(Reflect.get(this.loop ?? {}, 'renewal') as NodeJS.Timeout | undefined);
  }

  getNextJob(token: string): Promise<AnyJob | undefined> {
    const { promise, resolve } = Promise.withResolvers<AnyJob | undefined>();
    this.waiting = { token, resolve };
    return promise;
  }

  async interrupt(): Promise<void> {
    this.give(undefined);
  }

  isPaused(): boolean {
    return this.paused;
  }

  async pause(): Promise<void> {
    this.paused = true;
  }

  async resume(): Promise<void> {
    this.paused = false;
  }

  async startStalledCheckTimer(): Promise<void> {
    // The scenario says when a lock expires.
  }

  async close(): Promise<void> {
    this.waiting = undefined;
  }
}

const SILENT = new Proxy({}, { get: () => () => undefined }) as CallbackRecorder;
