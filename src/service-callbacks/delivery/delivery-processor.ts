import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeError } from '../../observability/describe-error.js';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { validate as isUuid } from 'uuid';
import type { Callback } from '../callbacks/callback.js';
import { CallbackRepository } from '../callbacks/callback.repository.js';
import type { Disposition } from '../callbacks/state-machine.js';
import { Clock } from '../clock.js';
import type { DeliveryOutcome } from '../transport/delivery-outcome.js';
import { Holds } from '../holds/holds.js';
import { EndpointGate, type Deferral, type PermitPool } from '../isolation/endpoint-gate.js';
import type { AttemptResult } from '../isolation/endpoint.js';
import { LegacyJobs } from '../legacy-jobs/legacy-jobs.js';
import { isBatchJob, readBatchJob, RECHECK_AFTER_MS, type BatchJobData } from '../queues/batch-job.js';
import type { JobProcessor } from '../queues/fetch-loop.js';
import type { AnyJob } from '../queues/queue-backend.js';
import { RETRY_QUEUE } from '../queues/queue-names.js';
import { CallbackRecorder, type GiveUpCause } from '../recorder/callback-recorder.js';
import type { DeliveryOptions } from '../service-callbacks.options.js';
import { DELIVERY_OPTIONS } from '../tokens.js';
import { BatchOpener, type Opened, type Sendable } from './batch-opener.js';
import { attemptRecordOf } from './attempt-record.js';
import { inAttemptSpan } from './attempt-span.js';
import { inBatchSpan, currentCarrier } from '../tracing/tracing.js';
import { CallbackClient } from '../transport/callback-client.js';
import { dispositionOf, RetryPolicy } from './retry-policy.js';
import { GoneEndpoints } from './gone-endpoints.js';
import { Settler } from './settler.js';

/**
 * After this many deaths of a worker during its attempts, a callback is given up: it may be their cause.
 */
const MAX_STALLS = 5;
/** How long the callbacks of a later release's job wait for a worker that knows it, ms. */
const LATER_RELEASE_DELAY_MS = 30_000;
/** The longest hold by `Retry-After`, ms. */
const MAX_RETRY_AFTER_MS = 3_600_000;
/** The delay after a fault of this platform, ms; random, so that many callbacks do not return at once. */
const FAULT_DELAY_MS = { min: 1_000, max: 3_000 } as const;

/** The job of a callback that is being delivered. */
interface JobContext {
  readonly batch: string;
  readonly pool: PermitPool;
  /** To be called when its result is known: its permit is free. */
  readonly free: () => void;
}

/**
 * Delivers the callbacks of one job: admission, attempt, disposition, settlement. The callbacks are independent of each
 * other; the job completes once the last one is settled.
 */
@Injectable()
export class DeliveryProcessor implements JobProcessor {
  private readonly logger = new Logger('ServiceCallbacks');
  /** Differs between processes. */
  private readonly worker = randomBytes(4).toString('hex');

  constructor(
    private readonly callbacks: CallbackRepository,
    private readonly opener: BatchOpener,
    private readonly legacyJobs: LegacyJobs,
    private readonly gate: EndpointGate,
    private readonly holds: Holds,
    private readonly client: CallbackClient,
    private readonly policy: RetryPolicy,
    private readonly settler: Settler,
    private readonly recorder: CallbackRecorder,
    private readonly gone: GoneEndpoints,
    private readonly clock: Clock,
    @Inject(DELIVERY_OPTIONS)
    private readonly options: Pick<DeliveryOptions, 'traceparent' | 'circuitOpenMs'>,
  ) {}

  sizeOf(job: AnyJob): number {
    const { callbacks } = (job.data ?? {}) as { callbacks?: unknown };
    return Array.isArray(callbacks) ? Math.max(1, callbacks.length) : 1;
  }

  async process(job: AnyJob, freed: () => void): Promise<'complete' | 'keep'> {
    const data = readBatchJob(job.data);
    if (data) return this.deliverAll(job, data, freed);
    try {
      if (!(await this.isReturnedBatch(job))) await this.legacyJobs.accept(job);
      return 'complete';
    } catch (error) {
      this.logger.error({
        event: 'job.postponed',
        job_id: job.id,
        err: describeError(error),
        msg: 'A job cannot be taken into the record now; it is tried again',
      });
      await sleep(FAULT_DELAY_MS.min);
      return 'keep';
    }
  }

  /** Schedules the callbacks of a batch that cannot be read, by the batch's id. */
  private async isReturnedBatch({ id = '', data }: AnyJob): Promise<boolean> {
    if (!isUuid(id)) return false;
    return (await this.callbacks.rescheduleBatch(id, LATER_RELEASE_DELAY_MS)) > 0 || isBatchJob(data);
  }

  private async deliverAll(job: AnyJob, data: BatchJobData, freed: () => void): Promise<'complete' | 'keep'> {
    const batch = job.id ?? '';
    const pool: PermitPool = job.queueName === RETRY_QUEUE ? 'retry' : 'first';
    return inBatchSpan(job.queueName, data.callbacks, async () => {
      const opened = await this.opener.open(job, batch, data);
      // Dropped now: a job waits for its slowest endpoint, and its data would stay in memory.
      job.data = undefined;
      const settled = await Promise.all(
        opened.map(async (one) => {
          const free = once(freed);
          const isWritten = await this.deliver(one, { batch, pool, free });
          free();
          return isWritten;
        }),
      );
      return settled.includes(false) ? 'keep' : 'complete';
    });
  }

  /** @returns whether its result is written */
  private async deliver(opened: Opened, context: JobContext): Promise<boolean> {
    if (opened.kind === 'not_sendable') return this.settleUnsent(opened, context);
    let { sendable } = opened;
    let { callback } = sendable;
    const { batch, pool } = context;
    const isProbe = sendable.nextProbeAt !== undefined;
    const admitAt = this.clock.now();
    const admission = await this.gate.admit(callback.endpointId, callback.url, pool, isProbe);
    if (admission.kind === 'stopped') return this.settle(callback, context, { kind: 'return', alone: false });
    if (admission.kind === 'deferred') return this.defer(sendable, context, admission);
    if (admission.kind === 'held')
      return this.settle(callback, context, { kind: 'hold', deferral: admission.reason });
    let result: AttemptResult | 'not_made' = 'not_made';
    try {
      if (this.clock.now() - admitAt > RECHECK_AFTER_MS) {
        const [now] = (await this.opener.reread(batch, [callback], sendable.nextProbeAt)) ?? [opened];
        // It was settled, or taken into another batch, meanwhile.
        if (now === undefined) return true;
        if (now.kind === 'not_sendable') return await this.settleUnsent(now, context);
        ({ sendable } = now);
        ({ callback } = sendable);
      }
      // Only for a callback that goes alone is it certain that the worker died during its own attempt.
      const stalls = sendable.alone ? await this.callbacks.markAttempt(callback.id, batch) : 1;
      if (stalls === 0) return true;
      if (stalls > MAX_STALLS)
        return await this.settle(callback, context, { kind: 'giveUp', reason: 'stalled' });
      const startedAt = this.clock.now();
      // A callback from the main queue was never deferred.
      this.recorder.attemptStarted(callback, startedAt, pool === 'retry');
      const outcome = await inAttemptSpan(callback, () => this.send(sendable));
      result = attemptResult(outcome);
      const opensCircuit = admission.release(result);
      await this.holdOrLift(sendable, startedAt, outcome, opensCircuit);
      return await this.conclude(sendable, context, startedAt, outcome);
    } catch (error) {
      return await this.postpone(callback, context, error);
    } finally {
      if (result === 'not_made') admission.release(result);
    }
  }

  private send({ callback, destination, body }: Sendable): Promise<DeliveryOutcome> {
    const traceparent = this.options.traceparent ? currentCarrier()?.traceparent : undefined;
    return this.client.send({
      id: callback.id,
      ...destination,
      body,
      ...(traceparent !== undefined && { extraHeaders: { traceparent } }),
    });
  }

  private async conclude(
    sendable: Sendable,
    { batch, free }: JobContext,
    startedAt: number,
    outcome: DeliveryOutcome,
  ): Promise<boolean> {
    const { callback } = sendable;
    this.recorder.attempted(callback, startedAt, outcome);
    const isProbe = sendable.nextProbeAt !== undefined;
    const disposition: Disposition =
      isProbe && outcome.kind === 'retryable'
        ? { kind: 'hold', deferral: 'circuit_open' }
        : dispositionOf(callback, outcome, this.policy);
    const settled = await this.settler.settle(
      {
        id: callback.id,
        endpointId: callback.endpointId,
        isProbe,
        batch,
        generation: callback.generation,
        disposition,
        attempt: { ...attemptRecordOf(callback, startedAt, outcome), worker: this.worker },
        url: callback.url,
      },
      free,
    );
    if (settled === 'applied') this.report(sendable, disposition, outcome);
    // With 410 an endpoint asks for no more callbacks (Standard Webhooks). If it cannot be disabled now, its next 410
    // does it.
    if (outcome.kind === 'final' && outcome.failure.statusCode === 410)
      await this.gone.disable(callback.endpointId, callback.url);
    return settled !== 'unwritten';
  }

  /** An attempt may put its endpoint on hold; a probe may lift the hold, or delay the next probe. */
  private async holdOrLift(
    { callback, nextProbeAt }: Sendable,
    startedAt: number,
    outcome: DeliveryOutcome,
    opensCircuit: boolean,
  ): Promise<void> {
    if (nextProbeAt !== undefined && outcome.kind !== 'retryable') return this.lift(callback);
    const { circuitOpenMs } = this.options;
    const retryAfterMs = retryAfterOf(outcome);
    if (opensCircuit && circuitOpenMs > retryAfterMs)
      await this.holds.put(callback, 'circuit_open', circuitOpenMs, startedAt);
    if (retryAfterMs > 0) await this.holds.put(callback, 'retry_after', retryAfterMs, startedAt);
  }

  private async lift(callback: Callback): Promise<void> {
    try {
      await this.holds.lift(callback, 'probe');
    } catch (error) {
      // The next probe will lift it.
      this.logger.warn({
        event: 'holds.outdated',
        err: describeError(error),
        msg: 'A hold cannot be lifted now',
      });
    }
  }

  private report(
    { callback, nextProbeAt }: Sendable,
    disposition: Disposition,
    outcome: DeliveryOutcome,
  ): void {
    const facts = { attempt: callback.attempts + 1, durationMs: outcome.durationMs };
    if (outcome.kind === 'delivered') return this.recorder.delivered(callback, facts, outcome.statusCode);
    const { failure } = outcome;
    if (disposition.kind === 'retryAt')
      this.recorder.retrying(callback, facts, failure, this.clock.now() + disposition.delayMs);
    if (disposition.kind === 'hold') {
      const nextAttemptAt = Math.max(nextProbeAt ?? 0, this.clock.now() + retryAfterOf(outcome));
      this.recorder.retrying(callback, facts, failure, nextAttemptAt);
    }
    if (disposition.kind === 'giveUp')
      this.recorder.gaveUp(callback, { reason: disposition.reason, facts, failure });
  }

  private async defer(
    { callback }: Sendable,
    context: JobContext,
    { reason, nextAttemptAt }: Deferral,
  ): Promise<boolean> {
    const delayMs = Math.max(0, nextAttemptAt - this.clock.now());
    return this.settle(callback, context, { kind: 'retryAt', delayMs, deferral: reason });
  }

  private async settleUnsent(
    { callback, disposition, error, last }: Extract<Opened, { kind: 'not_sendable' }>,
    context: JobContext,
  ): Promise<boolean> {
    if (error && disposition.kind === 'retryAt') this.recorder.postponed(callback, error);
    return this.settle(callback, context, disposition, { ...last, error });
  }

  private postpone(callback: Callback, context: JobContext, error: unknown): Promise<boolean> {
    this.recorder.postponed(callback, error);
    const { min, max } = FAULT_DELAY_MS;
    const delayMs = min + Math.random() * (max - min);
    return this.settle(callback, context, { kind: 'retryAt', delayMs, deferral: 'platform_fault' });
  }

  private reportDeferred(
    callback: Callback,
    { deferral, delayMs }: Extract<Disposition, { kind: 'retryAt' }>,
  ): void {
    if (deferral !== undefined) this.recorder.deferred(callback, deferral, this.clock.now() + delayMs);
  }

  /** Settles a callback without an attempt. */
  private async settle(
    callback: Callback,
    { batch, free }: JobContext,
    disposition: Disposition,
    known: Pick<GiveUpCause, 'facts' | 'failure' | 'error'> = {},
  ): Promise<boolean> {
    const { id, endpointId, generation } = callback;
    const settled = await this.settler.settle({ id, endpointId, batch, generation, disposition }, free);
    if (settled === 'applied' && disposition.kind === 'giveUp')
      this.recorder.gaveUp(callback, { ...disposition, ...known });
    if (settled === 'applied' && disposition.kind === 'retryAt') this.reportDeferred(callback, disposition);
    if (settled === 'applied' && disposition.kind === 'hold')
      this.recorder.deferred(
        callback,
        disposition.deferral,
        this.holds.nextAttemptAt(endpointId) ?? this.clock.now(),
      );
    return settled !== 'unwritten';
  }
}

function once(work: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) work();
    isDone = true;
  };
}

/** How long its endpoint may get nothing, ms. */
function retryAfterOf(outcome: DeliveryOutcome): number {
  return outcome.kind === 'retryable' ? Math.min(outcome.retryAfterMs ?? 0, MAX_RETRY_AFTER_MS) : 0;
}

/** A response that is not to be repeated says that the endpoint works. */
function attemptResult(outcome: DeliveryOutcome): AttemptResult {
  if (outcome.kind !== 'retryable') return 'responded';
  return outcome.failure.error === 'timeout' ? 'timed_out' : 'failed';
}
