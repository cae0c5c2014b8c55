import { Injectable } from '@nestjs/common';
import { bearerTokenBinding, signingSecretBinding } from '../endpoints/callback-api.entity.js';
import { QUIET_PRIORITY } from '../callbacks/callback.js';
import type { TakenNow, TakenRow } from '../callbacks/callback.repository.js';
import type { Settlement } from '../callbacks/state-machine.js';
import {
  BATCH_JOB_VERSION,
  destinationBinding,
  type BatchedCallback,
  type BatchJobData,
  type Destination,
} from './batch-job.js';
import type { QueuedJob } from './queue-backend.js';
import { PayloadCipher } from '../security/payload-cipher.js';
import { UnknownEncryptionKeyError } from '../security/errors.js';

/** The name of a job; only its data matters. */
const JOB_NAME = 'callbacks';
/** The delay if this process lacks a key, ms. That is a fault of this platform: another process may have the key. */
export const UNKNOWN_KEY_DELAY_MS = 30_000;

/** Jobs, and rows that could not become one. */
export interface MadeBatches {
  readonly jobs: readonly { readonly id: string; readonly data: BatchJobData; readonly goesFirst: boolean }[];
  /** Callbacks whose endpoint's credentials cannot be read. */
  readonly unreadable: readonly {
    readonly row: TakenRow;
    readonly settlement: Settlement;
    readonly error: Error;
  }[];
}

/** Makes jobs of batches. Secrets are sealed once for each batch and endpoint. */
@Injectable()
export class Batches {
  constructor(private readonly cipher: PayloadCipher) {}

  /** @param recheck the worker reads first which of them are open */
  make(rows: readonly (TakenRow | TakenNow)[], recheck = false): MadeBatches {
    const jobs: { id: string; data: BatchJobData; goesFirst: boolean }[] = [];
    const unreadable: MadeBatches['unreadable'][number][] = [];
    for (const [batch, members] of Map.groupBy(rows, (row) => row.batch)) {
      const endpoints: BatchJobData['endpoints'] = [];
      const callbacks: BatchedCallback[] = [];
      for (const [endpointId, ofEndpoint] of Map.groupBy(members, (row) => row.endpoint_id)) {
        const destination = this.destinationOf(ofEndpoint[0] as TakenRow);
        if (destination instanceof Error) {
          unreadable.push(...ofEndpoint.map((row) => unreadableRow(row, destination)));
          continue;
        }
        const sealed = this.cipher.encrypt(
          JSON.stringify(destination),
          destinationBinding(batch, endpointId),
        );
        const endpoint = endpoints.push({ id: endpointId, destination: sealed }) - 1;
        callbacks.push(...ofEndpoint.map((row) => batched(row, endpoint)));
      }
      const alone = members.some((row) => row.alone);
      if (callbacks.length > 0)
        jobs.push({
          id: batch,
          data: { v: BATCH_JOB_VERSION, endpoints, callbacks, recheck, alone, ...probeOf(members[0]) },
          goesFirst: members.some((row) => !row.is_first || row.priority <= QUIET_PRIORITY),
        });
    }
    return { jobs, unreadable };
  }

  /**
   * Decrypts an endpoint's credentials.
   * @returns an error if a key is missing or a text was altered
   */
  destinationOf(row: TakenRow): Destination | Error {
    const { endpoint_id: id, url, bearer_token, signing_secret, previous_secret } = row;
    try {
      return {
        url,
        bearerToken: this.cipher.decrypt(bearer_token, bearerTokenBinding(id)),
        signingSecrets: [signing_secret, previous_secret]
          .filter((secret) => secret !== null)
          .map((secret) => this.cipher.decrypt(secret, signingSecretBinding(id))),
      };
    } catch (error) {
      return error as Error;
    }
  }
}

function probeOf(row: TakenRow | TakenNow | undefined): { readonly next_probe_at?: number } {
  if (row === undefined || !('is_probe' in row) || !row.is_probe) return {};
  return { next_probe_at: row.next_probe_at ?? 0 };
}

export function queuedJob(queue: string, job: MadeBatches['jobs'][number]): QueuedJob {
  return { queue, name: JOB_NAME, ...job };
}

function batched(row: TakenRow, endpoint: number): BatchedCallback {
  return {
    id: row.id,
    endpoint,
    service_id: row.service_id,
    callback_type: row.callback_type,
    subject_id: row.subject_id,
    queued_at: row.queued_at,
    generation: row.generation,
    attempts: row.attempt_count,
    earlier_attempts: row.earlier_attempts,
    ...(row.trace && { trace: row.trace }),
    payload: row.payload ?? '',
  };
}

function unreadableRow(row: TakenRow, error: Error) {
  const disposition =
    error instanceof UnknownEncryptionKeyError
      ? ({ kind: 'retryAt', delayMs: UNKNOWN_KEY_DELAY_MS, deferral: 'unknown_encryption_key' } as const)
      : ({ kind: 'giveUp', reason: 'unreadable', detail: error.message } as const);
  return {
    row,
    error,
    settlement: {
      id: row.id,
      endpointId: row.endpoint_id,
      batch: row.batch,
      generation: row.generation,
      disposition,
    },
  };
}
