import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { retryConflicts } from '../../database/conflicts.js';
import type { DataSource } from 'typeorm';
import { PeriodicWork } from '../periodically.js';
import type { DeadLetterOptions, DeliveryLogOptions, RecordOptions } from '../service-callbacks.options.js';
import {
  CALLBACKS_DATA_SOURCE,
  DEAD_LETTER_OPTIONS,
  DELIVERY_LOG_OPTIONS,
  RECORD_OPTIONS,
} from '../tokens.js';
import { tablesOf } from '../callbacks/callback.repository.js';
import { FiguresRepository } from '../reporting/figures.repository.js';
import { Replay } from '../replay/replay.js';
import { ReplayRunRepository } from '../replay/replay-run.repository.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** The interval of retention, ms, and how many rows one statement removes. */
const RETENTION_EVERY_MS = 600_000;
const CHUNK = 1_000;
/** How long figures by the minute are kept, ms. Figures by the hour are kept as long as the records. */
const MINUTES_KEPT_MS = 25 * HOUR_MS;
/** How often requested replays are looked for, ms. */
const REPLAY_EVERY_MS = 1_000;

/** Starts requested replays at a bounded rate, and removes records and figures older than their retention. */
@Injectable()
export class Maintenance extends PeriodicWork implements OnApplicationBootstrap {
  constructor(
    @Inject(CALLBACKS_DATA_SOURCE) private readonly dataSource: DataSource,
    private readonly runs: ReplayRunRepository,
    private readonly replay: Replay,
    private readonly figures: FiguresRepository,
    @Inject(DEAD_LETTER_OPTIONS) private readonly deadLetters: DeadLetterOptions,
    @Inject(DELIVERY_LOG_OPTIONS) private readonly log: DeliveryLogOptions,
    @Inject(RECORD_OPTIONS) private readonly record: RecordOptions,
  ) {
    super();
  }

  onApplicationBootstrap(): void {
    this.perform('replays', REPLAY_EVERY_MS, async () => {
      await this.replay.batch(this.deadLetters.replaysPerSecond, REPLAY_EVERY_MS);
    });
    this.perform('retention', RETENTION_EVERY_MS, () => this.tidy());
    this.perform('figures', RETENTION_EVERY_MS, () => {
      const now = Date.now();
      return this.figures.prune(
        new Date(now - MINUTES_KEPT_MS),
        new Date(now - this.log.retentionDays * DAY_MS),
      );
    });
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
      if (count < CHUNK || this.isStopping) return;
    }
  }

  private perform(task: string, everyMs: number, work: () => Promise<void>): void {
    const msg = `The maintenance of ${task} failed; it is tried again`;
    this.every(everyMs, work, { event: 'maintenance.failed', task, msg });
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
