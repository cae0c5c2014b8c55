import { randomUUID } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { openDataSource } from '../../src/database/open-data-source.js';
import type { AttemptRecord, GiveUpReason } from '../../src/service-callbacks/callbacks/callback.js';
import {
  CallbackRepository,
  type HeldLimits,
  type ReadFrom,
  type NewCallback,
  type TakeLimits,
  type TakenNow,
} from '../../src/service-callbacks/callbacks/callback.repository.js';
import type { CallbackState } from '../../src/service-callbacks/callbacks/state-machine.js';
import { serviceCallbackEntities } from '../../src/service-callbacks/entities.js';
import { HoldRepository } from '../../src/service-callbacks/holds/hold.repository.js';
import { createTestDatabase, type TestDatabase } from './database.js';

/** The record of a callback, as SQL shows it. */
export interface RecordRow {
  readonly id: string;
  readonly seq: number;
  readonly state: CallbackState;
  readonly reason: GiveUpReason | null;
  readonly detail: string | null;
  readonly url: string;
  readonly batch: string | null;
  readonly batched_at: Date | null;
  readonly next_attempt_at: Date | null;
  readonly generation: number;
  readonly generation_at: Date;
  readonly attempts: readonly AttemptRecord[];
  readonly attempt_count: number;
  readonly earlier_attempts: number;
  readonly stalls: number;
  readonly alone: boolean;
  readonly probed_at: Date | null;
  readonly queued_at: Date;
  readonly changed_at: Date;
  readonly finished_at: Date | null;
  readonly dismissed_at: Date | null;
  readonly replay_requested_at: Date | null;
  readonly payload: string | null;
}

/** An endpoint, as far as the record asks for it. */
export interface StoredEndpoint {
  readonly id: string;
  readonly serviceId: string;
  readonly url: string;
}

/** Where a read begins: after this seq of each priority, and at this time, Unix ms. */
export const readFrom = (seq: number, dueSince = 0): ReadFrom => ({
  after: new Map(Array.from({ length: 24 }, (_, index) => [index + 1, seq])),
  dueSince,
});

/** Callback records in a database of a test's own, without the service around them. */
export class RecordStore {
  private constructor(
    readonly database: TestDatabase,
    readonly dataSource: DataSource,
    readonly callbacks: CallbackRepository,
    readonly holds: HoldRepository,
  ) {}

  /** @param route the database's URL by another way */
  static async open(route: (url: string) => Promise<string> = async (url) => url): Promise<RecordStore> {
    const database = await createTestDatabase();
    const dataSource = await openDataSource({
      url: await route(database.url),
      poolSize: 8,
      entities: [...serviceCallbackEntities],
    });
    return new RecordStore(
      database,
      dataSource,
      new CallbackRepository(dataSource),
      new HoldRepository(dataSource),
    );
  }

  async close(): Promise<void> {
    await this.dataSource.destroy();
    await this.database.drop();
  }

  async clear(): Promise<void> {
    await this.dataSource.query(
      `TRUNCATE service_callbacks, service_callback_payloads, service_callback_news, service_callback_holds,
         service_callback_apis`,
    );
  }

  async endpoint(serviceId: string = randomUUID()): Promise<StoredEndpoint> {
    const endpoint = { id: randomUUID(), serviceId, url: `https://${randomUUID()}.example/` };
    await this.dataSource.query(
      `INSERT INTO service_callback_apis (id, service_id, callback_type, url, bearer_token, updated_by_id, created_at)
       VALUES ($1, $2, 'delivery_status', $3, 'sealed-token', 'somebody', now())`,
      [endpoint.id, endpoint.serviceId, endpoint.url],
    );
    return endpoint;
  }

  /** What the producer makes of one piece of news. */
  newCallback(endpoint: StoredEndpoint, overrides: Partial<NewCallback> = {}): NewCallback {
    return {
      id: uuidv7(),
      service_id: endpoint.serviceId,
      endpoint_id: endpoint.id,
      callback_type: 'delivery_status',
      subject_id: randomUUID(),
      url: endpoint.url,
      news_key: randomUUID(),
      priority: 1,
      queued_at: Date.now(),
      trace: null,
      payload: 'sealed-payload',
      ...overrides,
    };
  }

  /** @returns the id of a pending callback. */
  async pending(endpoint: StoredEndpoint, overrides: Partial<NewCallback> = {}): Promise<string> {
    const callback = this.newCallback(endpoint, overrides);
    await this.callbacks.insert([callback]);
    return callback.id;
  }

  /** Takes pending and due callbacks; by default it reads each priority from the beginning. */
  take(limits: Partial<TakeLimits> = {}): Promise<TakenNow[]> {
    return this.callbacks.take({
      pending: 1_000,
      quiet: limits.pending ?? 1_000,
      due: 1_000,
      batchSize: 100,
      retryBatchSize: limits.batchSize ?? 100,
      from: readFrom(0),
      ...limits,
    });
  }

  /** Takes probes and released callbacks. */
  takeHeld(limits: Partial<HeldLimits> = {}): Promise<TakenNow[]> {
    return this.callbacks.takeHeld({ batchSize: 100, probes: 10, maxWindow: 64, released: 1_000, ...limits });
  }

  /** @returns a queued callback with its batch. */
  async queued(endpoint: StoredEndpoint): Promise<{ readonly id: string; readonly batch: string }> {
    const id = await this.pending(endpoint);
    const taken = await this.take();
    const batch = taken.find((row) => row.id === id)?.batch;
    if (batch === undefined) throw new Error(`${id} was not taken`);
    return { id, batch };
  }

  /**
   * Overwrites columns of a record in a way that no transition does.
   * @param assignments SQL, `$1` is the id
   */
  async change(id: string, assignments: string): Promise<void> {
    await this.dataSource.query(`UPDATE service_callbacks SET ${assignments} WHERE id = $1`, [id]);
  }

  async row(id: string): Promise<RecordRow> {
    const [row] = await this.dataSource.query<RecordRow[]>(
      `SELECT c.*, c.seq::int AS seq, p.payload FROM service_callbacks c
       LEFT JOIN service_callback_payloads p ON p.id = c.id WHERE c.id = $1`,
      [id],
    );
    if (!row) throw new Error(`${id} has no record`);
    return row;
  }
}
