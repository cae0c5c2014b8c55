import { setTimeout as sleep } from 'node:timers/promises';
import { describeError } from '../../observability/describe-error.js';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { validate as isUuid } from 'uuid';
import { isStoreFault } from '../../database/store-fault.js';
import { payloadBinding, type Callback } from '../callbacks/callback.js';
import { CallbackRepository, type OpenNow } from '../callbacks/callback.repository.js';
import type { Disposition } from '../callbacks/state-machine.js';
import { Clock } from '../clock.js';
import type { DeliveryOutcome } from '../transport/delivery-outcome.js';
import { Holds } from '../holds/holds.js';
import { EndpointGate, type Deferral, type PermitPool } from '../isolation/endpoint-gate.js';
import type { AttemptResult } from '../isolation/endpoint.js';
import { LegacyJobs } from '../legacy-jobs/legacy-jobs.js';
import {
  destinationBinding,
  isBatchJob,
  readBatchJob,
  RECHECK_AFTER_MS,
  type BatchedCallback,
  type BatchJobData,
} from '../queues/batch-job.js';
import type { JobProcessor } from '../queues/fetch-loop.js';
import type { AnyJob } from '../queues/queue-backend.js';
import { RETRY_QUEUE } from '../queues/queue-names.js';
import { CallbackRecorder, lastAttemptOf, type Ending } from '../recorder/callback-recorder.js';
import { Batches, UNKNOWN_KEY_DELAY_MS } from '../queues/batches.js';
import type { Destination } from '../security/destination.js';
import { PayloadCipher } from '../security/payload-cipher.js';
import { UnknownEncryptionKeyError } from '../security/unknown-encryption-key.error.js';
import type { DeliveryOptions } from '../service-callbacks.options.js';
import { DELIVERY_OPTIONS } from '../tokens.js';
import { attemptRecordOf } from './attempt-record.js';
import { inAttemptSpan } from './attempt-span.js';
import { inBatchSpan } from '../tracing/batch-span.js';
import { currentCarrier } from '../tracing/tracing.js';
import { CallbackClient } from '../transport/callback-client.js';
import { dispositionOf } from './disposition.js';
import { GoneEndpoints } from './gone-endpoints.js';
import { RetryPolicy } from './retry-policy.js';
import { Settler } from './settler.js';

/** Stalls of a batch after which its callbacks go in batches of one. */
const STALLS_TOGETHER = 2;
/** A callback whose worker ended this often during its attempt may be what ends them: the next one is its last. */
const MAX_STALLS = 5;
/** A job of a later release waits for a worker that knows it, ms. */
const LATER_RELEASE_DELAY_MS = 30_000;
/** After a fault of this platform, ms: spread, so that many do not return at once. */
const FAULT_DELAY_MS = { min: 1_000, max: 3_000 } as const;

/** A callback with all that its request needs. */
interface Sendable {
  readonly callback: Callback;
  readonly batch: string;
  readonly destination: Destination;
  /** The JSON text, as it is sent on every attempt. */
  readonly body: string;
  /** In a batch of one, because workers of its batches ended. */
  readonly alone: boolean;
  /** Of an endpoint on hold: when the next probe may follow, Unix ms. */
  readonly nextProbeAt?: number | undefined;
}

/** What the record or the job says of a callback before its attempt: to be sent, or over. */
type Opened =
  | { readonly kind: 'sendable'; readonly sendable: Sendable }
  | {
      readonly kind: 'not_sendable';
      readonly callback: Callback;
      readonly disposition: Disposition;
      readonly error?: Error;
      /** Of its attempts so far. */
      readonly last?: ReturnType<typeof lastAttemptOf>;
    };

/**
 * Delivers the callbacks of one job: admission, attempt, disposition, settlement. Each callback goes its own way; the
 * job is completed once the last one is settled.
 */
@Injectable()
export class DeliveryProcessor implements JobProcessor {
  private readonly logger = new Logger('ServiceCallbacks');

  constructor(
    private readonly callbacks: CallbackRepository,
    private readonly batches: Batches,
    private readonly legacyJobs: LegacyJobs,
    private readonly gate: EndpointGate,
    private readonly holds: Holds,
    private readonly client: CallbackClient,
    private readonly policy: RetryPolicy,
    private readonly settler: Settler,
    private readonly recorder: CallbackRecorder,
    private readonly gone: GoneEndpoints,
    private readonly cipher: PayloadCipher,
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

  /** A batch that cannot be read goes back to the record, by its id. */
  private async isReturnedBatch({ id = '', data }: AnyJob): Promise<boolean> {
    if (!isUuid(id)) return false;
    return (await this.callbacks.rescheduleBatch(id, LATER_RELEASE_DELAY_MS)) > 0 || isBatchJob(data);
  }

  private async deliverAll(job: AnyJob, data: BatchJobData, freed: () => void): Promise<'complete' | 'keep'> {
    const batch = job.id ?? '';
    const pool: PermitPool = job.queueName === RETRY_QUEUE ? 'retry' : 'first';
    return inBatchSpan(job.queueName, data.callbacks, async () => {
      const opened = await this.open(job, batch, data);
      // Read once, dropped here: a job waits for its slowest endpoint.
      job.data = undefined;
      const settled = await Promise.all(
        opened.map(async (one) => {
          const isWritten = await this.deliver(one, batch, pool);
          freed();
          return isWritten;
        }),
      );
      return settled.includes(false) ? 'keep' : 'complete';
    });
  }

  /** Its callbacks, ready to be sent; without those that are settled already, where that has to be asked. */
  private async open(job: AnyJob, batch: string, data: BatchJobData): Promise<Opened[]> {
    if (job.stalledCounter >= STALLS_TOGETHER && !data.alone)
      return data.callbacks.map((one) => ({
        kind: 'not_sendable',
        callback: this.callbackOf(one, data, ''),
        disposition: { kind: 'return', alone: true },
      }));
    if (!this.mayBeOutdated(job, data)) return this.openSealed(batch, data);
    const open = await this.reread(batch, data.callbacks, data.next_probe_at);
    return open ?? this.openSealed(batch, data);
  }

  /** Those of a batch that are still to be sent, as they are now. @returns undefined where the database does not respond */
  private async reread(
    batch: string,
    callbacks: readonly { readonly id: string }[],
    nextProbeAt?: number,
  ): Promise<Opened[] | undefined> {
    try {
      const open = await this.callbacks.openOfBatch(
        batch,
        callbacks.map(({ id }) => id),
      );
      return open.map((row) => this.openRow(row, nextProbeAt));
    } catch (error) {
      const { driverError = error } = (error ?? {}) as { driverError?: unknown };
      if (!isStoreFault(driverError)) throw error;
      // What is known is all that the requests need; a repeat is better than a wait without end.
      this.logger.warn({
        event: 'batch.not_rechecked',
        batch,
        err: describeError(error),
        msg: 'The database does not respond: callbacks are sent as they were taken',
      });
      return undefined;
    }
  }

  /** A job that was started before, waited, or came back: its callbacks may be settled, cancelled, or moved. */
  private mayBeOutdated(job: AnyJob, data: BatchJobData): boolean {
    return (
      job.queueName === RETRY_QUEUE ||
      data.recheck ||
      job.stalledCounter > 0 ||
      job.attemptsStarted > 1 ||
      this.clock.now() - job.timestamp > RECHECK_AFTER_MS
    );
  }

  private openSealed(batch: string, data: BatchJobData): Opened[] {
    const destinations = data.endpoints.map(({ id, destination }) =>
      this.openDestination(batch, id, destination),
    );
    return data.callbacks.map((one) => {
      const destination = destinations[one.endpoint];
      const callback = this.callbackOf(
        one,
        data,
        destination instanceof Error ? '' : (destination?.url ?? ''),
      );
      return this.openPayload(callback, batch, destination, one.payload, data.alone, data.next_probe_at);
    });
  }

  private openRow(row: OpenNow, nextProbeAt?: number): Opened {
    const callback: Callback = {
      id: row.id,
      serviceId: row.service_id,
      endpointId: row.endpoint_id,
      callbackType: row.callback_type,
      subjectId: row.subject_id,
      url: row.url,
      queuedAt: row.queued_at,
      generation: row.generation,
      attempts: row.attempt_count,
      earlierAttempts: row.earlier_attempts,
      ...(row.detail !== null && { deferral: row.detail }),
      ...(row.trace && { trace: row.trace }),
    };
    if (row.is_deleted || row.is_disabled) {
      const reason = row.is_deleted ? 'cancelled' : 'disabled';
      return {
        kind: 'not_sendable',
        callback,
        disposition: { kind: 'giveUp', reason },
        last: lastAttemptOf(row),
      };
    }
    const destination = this.batches.destinationOf(row);
    return this.openPayload(callback, row.batch, destination, row.payload ?? '', row.alone, nextProbeAt);
  }

  private openDestination(batch: string, endpointId: string, sealed: string): Destination | Error {
    try {
      return JSON.parse(this.cipher.decrypt(sealed, destinationBinding(batch, endpointId))) as Destination;
    } catch (error) {
      return error as Error;
    }
  }

  private openPayload(
    callback: Callback,
    batch: string,
    destination: Destination | Error | undefined,
    sealed: string,
    alone: boolean,
    nextProbeAt?: number,
  ): Opened {
    if (destination instanceof Error || destination === undefined)
      return unreadable(
        callback,
        destination ?? new Error('the job names an endpoint that it does not have'),
      );
    try {
      const body = this.cipher.decrypt(sealed, payloadBinding(callback.id));
      return { kind: 'sendable', sendable: { callback, batch, destination, body, alone, nextProbeAt } };
    } catch (error) {
      return unreadable(callback, error as Error);
    }
  }

  private callbackOf(one: BatchedCallback, data: BatchJobData, url: string): Callback {
    return {
      id: one.id,
      serviceId: one.service_id,
      endpointId: data.endpoints[one.endpoint]?.id ?? '',
      callbackType: one.callback_type,
      subjectId: one.subject_id,
      url,
      queuedAt: one.queued_at,
      generation: one.generation,
      attempts: one.attempts,
      earlierAttempts: one.earlier_attempts,
      ...(one.trace && { trace: one.trace }),
    };
  }

  /** @returns whether what became of it is written. */
  private async deliver(opened: Opened, batch: string, pool: PermitPool): Promise<boolean> {
    if (opened.kind === 'not_sendable') return this.settleUnsent(opened, batch);
    let { sendable } = opened;
    let { callback } = sendable;
    const isProbe = sendable.nextProbeAt !== undefined;
    const askedAt = this.clock.now();
    const admission = await this.gate.admit(callback.endpointId, callback.url, pool, isProbe);
    if (admission.kind === 'stopped') return this.settle(callback, batch, { kind: 'return', alone: false });
    if (admission.kind === 'deferred') return this.defer(sendable, admission);
    if (admission.kind === 'held')
      return this.settle(callback, batch, { kind: 'hold', deferral: admission.reason });
    let result: AttemptResult | 'not_made' = 'not_made';
    try {
      if (this.clock.now() - askedAt > RECHECK_AFTER_MS) {
        const [now] = (await this.reread(batch, [callback], sendable.nextProbeAt)) ?? [opened];
        // Settled or taken into another batch meanwhile.
        if (now === undefined) return true;
        if (now.kind === 'not_sendable') return await this.settleUnsent(now, batch);
        ({ sendable } = now);
        ({ callback } = sendable);
      }
      const stalls = sendable.alone ? await this.callbacks.markAttempt(callback.id, batch) : 1;
      if (stalls === 0) return true;
      if (stalls > MAX_STALLS) return await this.giveUpStalled(callback, batch);
      const startedAt = this.clock.now();
      // What was never deferred comes by the main queue.
      this.recorder.attemptStarted(callback, startedAt, pool === 'retry');
      const outcome = await inAttemptSpan(callback, () => this.send(sendable));
      result = attemptResult(outcome);
      const opens = admission.release(result);
      await this.holdOrLift(sendable, startedAt, outcome, opens);
      return await this.conclude(sendable, startedAt, outcome);
    } catch (error) {
      return await this.postpone(callback, batch, error);
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

  private async conclude(sendable: Sendable, startedAt: number, outcome: DeliveryOutcome): Promise<boolean> {
    const { callback, batch } = sendable;
    this.recorder.attempted(callback, startedAt, outcome);
    const isProbe = sendable.nextProbeAt !== undefined;
    const disposition: Disposition =
      isProbe && outcome.kind === 'retryable'
        ? { kind: 'hold', deferral: 'circuit_open' }
        : dispositionOf(callback, outcome, this.policy);
    const settled = await this.settler.settle({
      id: callback.id,
      endpointId: callback.endpointId,
      isProbe,
      batch,
      generation: callback.generation,
      disposition,
      attempt: attemptRecordOf(callback, startedAt, outcome),
      url: callback.url,
    });
    if (settled === 'applied') this.tell(sendable, disposition, outcome);
    // 410 is an endpoint's own wish (Standard Webhooks). It repeats it where it could not be followed now.
    if (outcome.kind === 'final' && outcome.failure.statusCode === 410)
      await this.gone.disable(callback.endpointId, callback.url);
    return settled !== 'unwritten';
  }

  /** An endpoint goes on hold because of an attempt, and its hold is lifted because of its probe. */
  private async holdOrLift(
    { callback, nextProbeAt }: Sendable,
    startedAt: number,
    outcome: DeliveryOutcome,
    opens: boolean,
  ): Promise<void> {
    if (nextProbeAt !== undefined) {
      if (outcome.kind !== 'retryable') await this.lift(callback);
      return;
    }
    const retryAfterMs = outcome.kind === 'retryable' ? (outcome.retryAfterMs ?? 0) : 0;
    if (opens) await this.holds.put(callback, 'circuit_open', this.options.circuitOpenMs, startedAt);
    else if (retryAfterMs > 0) await this.holds.put(callback, 'retry_after', retryAfterMs, startedAt);
  }

  private async lift(callback: Callback): Promise<void> {
    try {
      await this.holds.lift(callback, 'probe');
    } catch (error) {
      // Its next probe finds the same.
      this.logger.warn({
        event: 'holds.outdated',
        err: describeError(error),
        msg: 'A hold cannot be lifted now',
      });
    }
  }

  private tell(
    { callback, nextProbeAt }: Sendable,
    disposition: Disposition,
    outcome: DeliveryOutcome,
  ): void {
    const facts = { attempt: callback.attempts + 1, durationMs: outcome.durationMs };
    if (outcome.kind === 'delivered') return this.recorder.delivered(callback, facts, outcome.statusCode);
    const { failure } = outcome;
    if (disposition.kind === 'retryAt')
      this.recorder.retrying(callback, facts, failure, this.clock.now() + disposition.delayMs);
    if (disposition.kind === 'hold') this.recorder.retrying(callback, facts, failure, nextProbeAt ?? 0);
    if (disposition.kind === 'giveUp')
      this.recorder.gaveUp(callback, { reason: disposition.reason, facts, failure });
  }

  private async defer({ callback, batch }: Sendable, { reason, until }: Deferral): Promise<boolean> {
    const delayMs = Math.max(0, until - this.clock.now());
    return this.settle(callback, batch, { kind: 'retryAt', delayMs, deferral: reason });
  }

  private async settleUnsent(
    { callback, disposition, error, last }: Extract<Opened, { kind: 'not_sendable' }>,
    batch: string,
  ): Promise<boolean> {
    if (error && disposition.kind === 'retryAt') this.recorder.postponed(callback, error);
    return this.settle(callback, batch, disposition, { ...last, error });
  }

  private giveUpStalled(callback: Callback, batch: string): Promise<boolean> {
    return this.settle(callback, batch, { kind: 'giveUp', reason: 'stalled' });
  }

  private postpone(callback: Callback, batch: string, error: unknown): Promise<boolean> {
    this.recorder.postponed(callback, error);
    const { min, max } = FAULT_DELAY_MS;
    const delayMs = min + Math.random() * (max - min);
    return this.settle(callback, batch, { kind: 'retryAt', delayMs, deferral: 'platform_fault' });
  }

  private tellDeferred(
    callback: Callback,
    { deferral, delayMs }: Extract<Disposition, { kind: 'retryAt' }>,
  ): void {
    if (deferral !== undefined) this.recorder.deferred(callback, deferral, this.clock.now() + delayMs);
  }

  /** Without an attempt. */
  private async settle(
    callback: Callback,
    batch: string,
    disposition: Disposition,
    known: Pick<Ending, 'facts' | 'failure' | 'error'> = {},
  ): Promise<boolean> {
    const { id, endpointId, generation } = callback;
    const settled = await this.settler.settle({ id, endpointId, batch, generation, disposition });
    if (settled === 'applied' && disposition.kind === 'giveUp')
      this.recorder.gaveUp(callback, { ...disposition, ...known });
    if (settled === 'applied' && disposition.kind === 'retryAt') this.tellDeferred(callback, disposition);
    if (settled === 'applied' && disposition.kind === 'hold')
      this.recorder.deferred(
        callback,
        disposition.deferral,
        this.holds.until(endpointId) ?? this.clock.now(),
      );
    return settled !== 'unwritten';
  }
}

/** A key that this process lacks is a fault of this platform, and another process may have it. */
function unreadable(callback: Callback, error: Error): Opened {
  const disposition: Disposition =
    error instanceof UnknownEncryptionKeyError
      ? { kind: 'retryAt', delayMs: UNKNOWN_KEY_DELAY_MS, deferral: 'unknown_encryption_key' }
      : { kind: 'giveUp', reason: 'unreadable', detail: error.message };
  return { kind: 'not_sendable', callback, disposition, error };
}

/** A response that is not to be repeated says that the endpoint works. */
function attemptResult(outcome: DeliveryOutcome): AttemptResult {
  if (outcome.kind !== 'retryable') return 'answered';
  return outcome.failure.error === 'timeout' ? 'timed_out' : 'failed';
}
