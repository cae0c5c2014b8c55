import { Injectable, Logger } from '@nestjs/common';
import { isStoreFault } from '../../database/store-fault.js';
import { describeError } from '../../observability/describe-error.js';
import { payloadBinding, type Callback } from '../callbacks/callback.js';
import { CallbackRepository, type OpenNow } from '../callbacks/callback.repository.js';
import type { Disposition } from '../callbacks/state-machine.js';
import { Clock } from '../clock.js';
import {
  destinationBinding,
  RECHECK_AFTER_MS,
  type BatchedCallback,
  type BatchJobData,
  type Destination,
} from '../queues/batch-job.js';
import { Batches, UNKNOWN_KEY_DELAY_MS } from '../queues/batches.js';
import type { AnyJob } from '../queues/queue-backend.js';
import { RETRY_QUEUE } from '../queues/queue-names.js';
import { lastAttemptOf } from '../recorder/callback-recorder.js';
import { PayloadCipher } from '../security/payload-cipher.js';
import { UnknownEncryptionKeyError } from '../security/errors.js';

/** After this many stalls of a batch, its callbacks go in batches of one. */
const STALLS_TOGETHER = 2;

/** A callback with everything that its request needs. */
export interface Sendable {
  readonly callback: Callback;
  readonly batch: string;
  readonly destination: Destination;
  /** The JSON text, the same on every attempt. */
  readonly body: string;
  /** It is in a batch of one, because workers died during its earlier batches. */
  readonly alone: boolean;
  /** For a probe: the time at which the next probe may follow, Unix ms. */
  readonly nextProbeAt?: number | undefined;
}

/** A callback of a job: to be sent, or not, with the reason. */
export type Opened =
  | { readonly kind: 'sendable'; readonly sendable: Sendable }
  | {
      readonly kind: 'not_sendable';
      readonly callback: Callback;
      readonly disposition: Disposition;
      readonly error?: Error;
      /** Its last attempt, if there was one. */
      readonly last?: ReturnType<typeof lastAttemptOf>;
    };

/** Turns a job into callbacks that can be sent, and decides whether to read the record first. */
@Injectable()
export class BatchOpener {
  private readonly logger = new Logger('ServiceCallbacks');

  constructor(
    private readonly callbacks: CallbackRepository,
    private readonly batches: Batches,
    private readonly cipher: PayloadCipher,
    private readonly clock: Clock,
  ) {}

  /** The callbacks of a job. If the record was read, without those that are settled already. */
  async open(job: AnyJob, batch: string, data: BatchJobData): Promise<Opened[]> {
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

  /**
   * The open callbacks of a batch at this moment.
   * @returns undefined if the database does not respond
   */
  async reread(
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
      if (!isStoreFault(error)) throw error;
      // The job has everything that the requests need. A repeat is better than a wait without limit.
      this.logger.warn({
        event: 'batch.not_rechecked',
        batch,
        err: describeError(error),
        msg: 'The database does not respond: callbacks are sent as they were taken',
      });
      return undefined;
    }
  }

  /**
   * The job was started before, waited, or was added again: its callbacks may be settled, cancelled, or have a new URL.
   */
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
}

/** A missing key is a fault of this platform, and another process may have the key. */
function unreadable(callback: Callback, error: Error): Opened {
  const disposition: Disposition =
    error instanceof UnknownEncryptionKeyError
      ? { kind: 'retryAt', delayMs: UNKNOWN_KEY_DELAY_MS, deferral: 'unknown_encryption_key' }
      : { kind: 'giveUp', reason: 'unreadable', detail: error.message };
  return { kind: 'not_sendable', callback, disposition, error };
}
