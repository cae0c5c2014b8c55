import {
  Inject,
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { retryConflicts } from '../../database/conflicts.js';
import { describeError } from '../../observability/describe-error.js';
import type { DataSource } from 'typeorm';
import { periodically } from '../periodically.js';
import type { DeadLetterOptions, DeliveryLogOptions, RecordOptions } from '../service-callbacks.options.js';
import {
  CALLBACKS_DATA_SOURCE,
  DEAD_LETTER_OPTIONS,
  DELIVERY_LOG_OPTIONS,
  RECORD_OPTIONS,
} from '../tokens.js';
import { tablesOf } from './callback.repository.js';
import { Replay } from './replay.js';
import { ReplayRunRepository } from './replay-run.repository.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** The interval of retention, ms, and how many rows one statement removes. */
const RETENTION_EVERY_MS = 600_000;
const CHUNK = 1_000;
/** How often requested replays are looked for, ms. */
const REPLAY_EVERY_MS = 1_000;

/** Starts requested replays at a bounded rate, and removes records older than their retention. */
@Injectable()
export class Maintenance implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('ServiceCallbacks');
  private readonly stopping = new AbortController();
  private running: readonly Promise<void>[] = [];

  constructor(
    @Inject(CALLBACKS_DATA_SOURCE) private readonly dataSource: DataSource,
    private readonly runs: ReplayRunRepository,
    private readonly replay: Replay,
    @Inject(DEAD_LETTER_OPTIONS) private readonly deadLetters: DeadLetterOptions,
    @Inject(DELIVERY_LOG_OPTIONS) private readonly log: DeliveryLogOptions,
    @Inject(RECORD_OPTIONS) private readonly record: RecordOptions,
  ) {}

  onApplicationBootstrap(): void {
    this.running = [
      this.every(REPLAY_EVERY_MS, 'replays', async () => {
        await this.replay.batch(this.deadLetters.replaysPerSecond, REPLAY_EVERY_MS);
      }),
      this.every(RETENTION_EVERY_MS, 'retention', () => this.tidy()),
    ];
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.running);
  }

  /** One round of retention. Several processes may run it at once. */
  async tidy(): Promise<void> {
    const { callbacks, payloads, news } = tablesOf(this.dataSource);
    const logMs = this.log.retentionDays * DAY_MS;
    const deadLetterMs = this.deadLetters.retentionDays * DAY_MS;
    const windowMs = this.record.idempotencyHours * HOUR_MS;
    await this.remove(news, `sent_at < ${ago(windowMs)}`);
    await this.removePayloads('delivered', this.record.payloadDays * DAY_MS);
    await this.removePayloads('given_up', deadLetterMs);
    await this.chunks(
      `UPDATE ${callbacks} SET dismissed_at = now() WHERE id IN (
         SELECT id FROM ${callbacks} WHERE state = 'given_up' AND dismissed_at IS NULL
           AND finished_at < ${ago(deadLetterMs)} LIMIT ${CHUNK} FOR UPDATE SKIP LOCKED)`,
    );
    if (this.log.keep !== 'all') {
      const hidden = this.log.keep === 'off' ? '' : 'AND attempt_count = 1';
      await this.removeRecords(
        `state || '' = 'delivered' AND queued_at < ${ago(windowMs)} ${hidden}`,
        payloads,
      );
    }
    await this.removeRecords(`state || '' = 'delivered' AND queued_at < ${ago(logMs)}`, payloads);
    await this.removeRecords(
      `state || '' = 'given_up' AND dismissed_at IS NOT NULL AND queued_at < ${ago(logMs)}`,
      payloads,
    );
    await this.remove(tablesOf(this.dataSource).holds, `state = 'lifted' AND lifted_at < ${ago(DAY_MS)}`);
    await this.runs.prune(new Date(Date.now() - deadLetterMs));
  }

  /** Reads older ids only: a UUIDv7 begins with its time. */
  private async removePayloads(state: 'delivered' | 'given_up', olderThanMs: number): Promise<void> {
    const { callbacks, payloads } = tablesOf(this.dataSource);
    await this.chunks(
      `DELETE FROM ${payloads} WHERE id IN (
         SELECT p.id FROM ${payloads} p JOIN ${callbacks} c ON c.id = p.id
         WHERE p.id < '${firstIdAt(Date.now() - olderThanMs)}' AND c.state = '${state}'
           AND c.finished_at < ${ago(olderThanMs)}
         LIMIT ${CHUNK} FOR UPDATE OF p SKIP LOCKED)`,
    );
  }

  private removeRecords(where: string, payloads: string): Promise<void> {
    const { callbacks } = tablesOf(this.dataSource);
    return this.chunks(
      `WITH removed AS (
         DELETE FROM ${callbacks} WHERE id IN (
           SELECT id FROM ${callbacks} WHERE ${where} AND state <> 'queued' AND replay_requested_at IS NULL
           LIMIT ${CHUNK} FOR UPDATE SKIP LOCKED)
         RETURNING id
       ), unsealed AS (DELETE FROM ${payloads} p USING removed WHERE p.id = removed.id)
       SELECT id FROM removed`,
    );
  }

  private remove(table: string, where: string): Promise<void> {
    return this.chunks(
      `DELETE FROM ${table} WHERE ctid = ANY(ARRAY(
         SELECT ctid FROM ${table} WHERE ${where} LIMIT ${CHUNK} FOR UPDATE SKIP LOCKED))`,
    );
  }

  /** Repeats a statement until it finds less than a chunk: no statement holds locks for long. */
  private async chunks(statement: string): Promise<void> {
    for (;;) {
      const result = await retryConflicts(() =>
        this.dataSource.query<unknown[] | [unknown[], number]>(statement),
      );
      const count = Array.isArray(result[0]) ? Number(result[1]) : result.length;
      if (count < CHUNK || this.stopping.signal.aborted) return;
    }
  }

  private every(everyMs: number, task: string, work: () => Promise<void>): Promise<void> {
    const onError = (error: unknown): void =>
      this.logger.error({
        event: 'maintenance.failed',
        task,
        err: describeError(error),
        msg: `The ${task} of callbacks could not be looked after; tried again`,
      });
    return periodically({ everyMs, signal: this.stopping.signal, onError }, work);
  }
}

/** The smallest UUIDv7 of a time, Unix ms (RFC 9562, section 5.7). */
function firstIdAt(ms: number): string {
  const time = Math.max(0, ms).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-000000000000`;
}

/** By the database's clock. @param ms whole */
function ago(ms: number): string {
  return `now() - ${ms} * interval '1 millisecond'`;
}
