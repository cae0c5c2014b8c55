import { setTimeout as sleep } from 'node:timers/promises';
import { WorkerHost } from '@nestjs/bullmq';
import { DelayedError } from 'bullmq';
import { v5 as uuidv5 } from 'uuid';
import type { AnyJob } from '../../queues/queue-backend.js';
import { QueueAwayError } from '../../queues/queue-away.error.js';
import type { Clock } from '../clock.js';
import type { GiveUp } from '../dead-letters/give-up.js';
import { GivenUpError } from '../dead-letters/given-up.error.js';
import { UnburiedError } from '../dead-letters/unburied.error.js';
import type { Lane } from '../isolation/endpoint-gate.js';
import { inProcessSpan } from '../tracing/process-span.js';
import type { CallbackLog } from './callback-log.js';
import type { DeliveryRecorder } from './delivery-recorder.js';
import type { JobReader, ReadJob } from './job-reader.js';
import type { Prepared } from './preparation.js';
import type { PutOff } from './put-off.js';
import { endingOf, rememberEnding } from './remembered-ending.js';
import { RetryLaterError } from './retry-later.error.js';

/** A job whose worker died this often under it is given up as `stalled`: it may be what kills them. */
const MAX_STALLS = 5;

/** How long a job waits after a fault of this platform, ms; spread, so that a mass of them does not return at once. */
const POSTPONE_MS = { min: 1_000, max: 3_000 } as const;

/** Between two tries to keep an ending while the queue is away, ms; well below the pause of stall checks. */
const REMEMBER_AGAIN_MS = 250;

const UNREADABLE_JOB_NAMESPACE = '0d1f3f0e-0b0c-4f3e-9d38-5c1a7a2f7c55';

/** What the two processors share: no job ends in silence, and none is lost to a fault of this platform. */
export abstract class CallbackProcessor extends WorkerHost {
  protected abstract readonly lane: Lane;
  private readonly stopping = new AbortController();

  protected constructor(
    protected readonly reader: JobReader,
    protected readonly giveUp: GiveUp,
    protected readonly log: CallbackLog,
    protected readonly recorder: DeliveryRecorder,
    protected readonly clock: Clock,
    protected readonly putOff: PutOff,
  ) {
    super();
  }

  /** Ends by returning (the job is done) or by one of the errors that `isOurs` knows. */
  protected abstract handle(job: AnyJob, read: ReadJob, token?: string): Promise<void>;

  /** What it has in hand no longer waits for a queue that is away. To be called before the worker is closed. */
  stop(): void {
    this.stopping.abort();
  }

  async process(job: AnyJob, token?: string): Promise<void> {
    const read = this.reader.read(job);
    const traced = { queue: job.queueName, callback: subjectOf(read), isExpected: isOurs };
    try {
      await inProcessSpan(traced, () => this.run(job, read, token));
    } catch (error) {
      if (isOurs(error)) throw error;
      this.log.postponed(this.identified(job, read), error);
      if (error instanceof UnburiedError) await this.remember(job, error);
      await this.postpone(job, token);
      throw new DelayedError();
    }
  }

  private async run(job: AnyJob, read: ReadJob, token?: string): Promise<void> {
    if (job.stalledCounter > MAX_STALLS) throw await this.bury(job, read, 'stalled');
    const ending = endingOf(job);
    if (ending) throw await this.giveUp.bury(this.identified(job, read), ending);
    await this.handle(job, read, token);
  }

  /**
   * The worker's `failed` event: every end that did not come from `handle`. BullMQ has removed the job by
   * now; `MAX_STALLS` is what catches a stall before that, this is the second line.
   */
  async onFailed(job: AnyJob | undefined, error: Error): Promise<void> {
    if (!job || isOurs(error)) return;
    await this.bury(job, this.reader.read(job), 'stalled', error.message);
  }

  /** For what preparation found to be over already. */
  protected async endUnprepared(
    job: AnyJob,
    prepared: Exclude<Prepared, { kind: 'ready' }>,
  ): Promise<GivenUpError> {
    const subject = { ...prepared.identity, id: prepared.identity.id ?? this.idOf(job) };
    const detail = prepared.kind === 'unreadable' ? prepared.detail : undefined;
    const last = subject.attempts?.at(-1);
    const facts = last && { attempt: subject.attempts?.length ?? 0, durationMs: last.duration_ms };
    return this.giveUp.bury(subject, {
      reason: prepared.kind,
      ...(facts && { facts }),
      ...(detail && { detail }),
    });
  }

  private bury(job: AnyJob, read: ReadJob, reason: 'stalled', detail?: string): Promise<GivenUpError> {
    return this.giveUp.bury(this.identified(job, read), { reason, ...(detail && { detail }) });
  }

  private identified(job: AnyJob, read: ReadJob) {
    const subject = subjectOf(read);
    return { ...subject, id: subject.id ?? this.idOf(job) };
  }

  /** A stable id for a job that carries none. */
  private idOf(job: AnyJob): string {
    return uuidv5(`${job.queueName}/${job.id}`, UNREADABLE_JOB_NAMESPACE);
  }

  /**
   * A queue whose store is away as well is waited for: nothing else could be taken from it meanwhile, and what
   * the attempt came to would be lost with the lock. A stop does not wait; then the attempt repeats.
   */
  private async remember(job: AnyJob, error: UnburiedError): Promise<void> {
    const { signal } = this.stopping;
    for (;;) {
      const fault = await rememberEnding(job, error).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      if (!(fault instanceof QueueAwayError) || signal.aborted) return;
      await sleep(REMEMBER_AGAIN_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /**
   * Puts the job back without spending an attempt. Where the queue cannot take it now, the job stays
   * active, its lock runs out, and the stall check returns it.
   */
  private async postpone(job: AnyJob, token?: string): Promise<void> {
    const delay = POSTPONE_MS.min + Math.random() * (POSTPONE_MS.max - POSTPONE_MS.min);
    // Whole milliseconds: PostgreSQL takes no others, and would leave the job to the stall check.
    const until = Math.round(this.clock.now() + delay);
    await this.putOff
      .inTurn(this.lane, until, (due) => this.putOff.back(job, due, token))
      .catch(() => undefined);
  }
}

/** What `handle` ends a job with on purpose: buried, again later, or back to where it waits. */
function isOurs(error: unknown): boolean {
  return error instanceof GivenUpError || error instanceof RetryLaterError || error instanceof DelayedError;
}

function subjectOf(read: ReadJob) {
  switch (read.kind) {
    case 'callback':
    case 'incomplete':
      return read.callback;
    case 'unreadable':
      return read.identity;
    case 'legacy':
      return {
        id: undefined,
        serviceId: read.serviceId,
        callbackType: read.callbackType,
        subjectId: read.notificationId,
        queuedAt: read.queuedAt,
      };
  }
}
