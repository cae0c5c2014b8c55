import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { CALLBACKS_DATA_SOURCE } from '../tokens.js';
import { DAY_MS } from './outcomes.js';

/** Of all processes one at a time changes partitions: the key of PostgreSQL's advisory lock. */
const LOCK = 7_364_120_020;
/** A list somebody reads for long must not make others wait behind us; we come again. */
const LOCK_TIMEOUT = '2s';
const PREFIX = 'service_callback_log_';

/** The days of the log, each a table. */
@Injectable()
export class PartitionsRepository {
  constructor(@Inject(CALLBACKS_DATA_SOURCE) private readonly dataSource: DataSource) {}

  /** @returns the days (UTC, Unix ms of their start) that have one, oldest first. */
  async list(): Promise<number[]> {
    const rows = await this.dataSource.query<{ name: string }[]>(
      `SELECT child.relname AS name FROM pg_inherits
       JOIN pg_class child ON child.oid = inhrelid
       WHERE inhparent = 'service_callback_log'::regclass ORDER BY child.relname`,
    );
    return rows.map(({ name }) => dayOf(name)).filter((day) => day !== undefined);
  }

  /** Those that are missing. @param days start of each, Unix ms */
  async ensure(days: readonly number[]): Promise<void> {
    const known = new Set(await this.list());
    for (const day of days) if (!known.has(day)) await this.create(day);
  }

  /** @returns the days that were dropped with all their rows. */
  async dropBefore(day: number): Promise<number[]> {
    const expired = (await this.list()).filter((known) => known < day);
    for (const known of expired) {
      await this.exclusively(`DROP TABLE IF EXISTS ${tableOf(known)}`);
    }
    return expired;
  }

  /** Made apart and attached: neither readers nor writers of the other days wait. */
  private create(day: number): Promise<void> {
    const table = tableOf(day);
    const [from, to] = [day, day + DAY_MS].map((time) => new Date(time).toISOString());
    return this.exclusively(`
      DO $$ BEGIN
        IF to_regclass('${table}') IS NULL THEN
          CREATE TABLE ${table} (LIKE service_callback_log INCLUDING ALL);
          ALTER TABLE service_callback_log ATTACH PARTITION ${table} FOR VALUES FROM ('${from}') TO ('${to}');
        END IF;
      END $$`);
  }

  private async exclusively(statement: string): Promise<void> {
    await this.dataSource.transaction(async (manager) => {
      await manager.query(`SET LOCAL lock_timeout = '${LOCK_TIMEOUT}'`);
      await manager.query(`SELECT pg_advisory_xact_lock(${LOCK})`);
      await manager.query(statement);
    });
  }
}

/** Name of a day's table: `service_callback_log_20261124`. */
function tableOf(day: number): string {
  return PREFIX + new Date(day).toISOString().slice(0, 10).replaceAll('-', '');
}

function dayOf(table: string): number | undefined {
  const [, year, month, day] = /^service_callback_log_(\d{4})(\d\d)(\d\d)$/.exec(table) ?? [];
  return day === undefined ? undefined : Date.UTC(Number(year), Number(month) - 1, Number(day));
}
