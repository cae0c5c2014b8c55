import { Inject, Injectable } from '@nestjs/common';
import type { DataSource, EntityManager } from 'typeorm';
import { inTransaction } from '../../database/conflicts.js';
import { rows } from '../../database/rows.js';
import { CALLBACKS_DATA_SOURCE } from '../tokens.js';
import { CallbackRepository, tablesOf } from '../callbacks/callback.repository.js';
import { FINISHED_STATES, OPEN_STATES, type CallbackState } from '../callbacks/state-machine.js';

/** The result of a request to replay. */
export type ReplayResult =
  | { readonly kind: 'queued' }
  /** It is open, because an earlier request replayed it; or it was a dead letter that is delivered by now. */
  | { readonly kind: 'already_replayed' }
  | { readonly kind: 'refused'; readonly why: string };

/** Later than first attempts of services that send little, earlier than a flood; see `ServiceVolume`. */
const PRIORITY = 10;
/** Key of PostgreSQL's advisory lock: one process at a time starts the replays of runs. */
const RUN_LOCK = 7_364_120_022;

interface Candidate {
  readonly id: string;
  readonly run: string | null;
  readonly state: CallbackState;
  readonly endpoint_id: string | null;
  readonly is_deleted: boolean;
  readonly is_disabled: boolean;
  readonly has_payload: boolean;
}

/**
 * Starts the next generation of finished callbacks: with the same id, to the same endpoint with its current URL and
 * token.
 */
@Injectable()
export class Replay {
  constructor(
    @Inject(CALLBACKS_DATA_SOURCE) private readonly dataSource: DataSource,
    private readonly callbacks: CallbackRepository,
  ) {}

  /** @returns null if the service has no such dead letter */
  deadLetter(serviceId: string, id: string): Promise<ReplayResult | null> {
    const which = `AND c.dismissed_at IS NULL AND (c.state = 'given_up' OR c.generation > 0)`;
    return this.one(serviceId, id, which, ['given_up']);
  }

  /**
   * Replays any finished callback, also a delivered one.
   * @returns null if the service has no such callback
   */
  finished(serviceId: string, id: string): Promise<ReplayResult | null> {
    return this.one(serviceId, id, '', FINISHED_STATES);
  }

  private one(
    serviceId: string,
    id: string,
    which: string,
    states: readonly CallbackState[],
  ): Promise<ReplayResult | null> {
    return inTransaction(this.dataSource, async (manager) => {
      const [candidate] = await this.lock(manager, `c.service_id = $1 AND c.id = $2 ${which}`, [
        serviceId,
        id,
      ]);
      if (!candidate) return null;
      if (!states.includes(candidate.state)) return { kind: 'already_replayed' };
      const why = refusal(candidate);
      if (why !== undefined) return { kind: 'refused', why };
      const replayed = await this.callbacks.replay([id], PRIORITY, manager);
      return { kind: replayed.length > 0 ? 'queued' : 'already_replayed' };
    });
  }

  /**
   * Gives a waiting callback its next attempt now: a scheduled callback is due, and a held one is its endpoint's next
   * probe. After that, a hold by `Retry-After` has probes like a hold by a circuit.
   * @returns whether the service has such a callback, and it waits
   */
  async retryNow(serviceId: string, id: string): Promise<boolean> {
    const { callbacks, holds } = tablesOf(this.dataSource);
    const due = await rows(
      this.dataSource,
      `WITH result AS (
         UPDATE ${callbacks} c SET next_attempt_at = CASE WHEN c.state = 'scheduled' THEN now() END,
           probed_at = '-infinity'
         WHERE c.id = $1 AND c.service_id = $2 AND c.state IN ('scheduled', 'held') RETURNING c.id, c.endpoint_id
       ), requested AS (
         UPDATE ${holds} h SET next_probe_at = now(), reason = 'circuit_open'
         FROM result WHERE h.endpoint_id = result.endpoint_id AND h.state = 'open'
       )`,
      [id, serviceId],
    );
    return due.length > 0;
  }

  /**
   * Replays the next few callbacks of runs, unless another process does so at this moment.
   * @param everyMs the least time since the last few, ms
   * @returns how many there were
   */
  async batch(limit: number, everyMs: number): Promise<number> {
    if (!(await this.isAnyRequested())) return 0;
    return inTransaction(this.dataSource, async (manager) => {
      const [turn] = await rows<{ is_due: boolean }>(
        manager,
        `SELECT pg_try_advisory_xact_lock($1) AND NOT EXISTS (
           SELECT FROM service_callback_replays WHERE advanced_at > now() - $2 * interval '1 millisecond') AS is_due`,
        [RUN_LOCK, everyMs],
      );
      if (turn?.is_due !== true) return 0;
      const candidates = await this.lock(manager, 'c.replay_requested_at IS NOT NULL', [], limit);
      const refused = candidates.flatMap((candidate) => {
        const why = refusal(candidate);
        return why === undefined ? [] : [{ id: candidate.id, why }];
      });
      const refusedIds = new Set(refused.map(({ id }) => id));
      const ids = candidates.filter(({ id }) => !refusedIds.has(id)).map(({ id }) => id);
      if (ids.length > 0) await this.callbacks.replay(ids, PRIORITY, manager);
      if (refused.length > 0) await this.refuse(manager, refused);
      await advance(manager, candidates, refusedIds);
      return candidates.length;
    });
  }

  private async isAnyRequested(): Promise<boolean> {
    const { callbacks } = tablesOf(this.dataSource);
    const requested = await rows(
      this.dataSource,
      // Without an order, a table that was analysed while empty is read from its beginning to its end.
      `WITH result AS (
         SELECT c.id FROM ${callbacks} c WHERE c.replay_requested_at IS NOT NULL
         ORDER BY c.replay_requested_at, c.id LIMIT 1)`,
    );
    return requested.length > 0;
  }

  private lock(
    manager: EntityManager,
    where: string,
    parameters: readonly unknown[],
    limit = 1,
  ): Promise<Candidate[]> {
    const { callbacks, endpoints, payloads } = tablesOf(this.dataSource);
    // For EXISTS, a table that was analysed while empty may be read into a hash table, all of it.
    return rows<Candidate>(
      manager,
      `SELECT c.id, c.replay_id AS run, c.state, c.endpoint_id, e.id IS NULL AS is_deleted,
         e.disabled_at IS NOT NULL AS is_disabled,
         (SELECT true FROM ${payloads} p WHERE p.id = c.id) IS NOT NULL AS has_payload
       FROM ${callbacks} c LEFT JOIN ${endpoints} e ON e.id = c.endpoint_id WHERE ${where}
       ORDER BY c.replay_requested_at, c.id LIMIT ${limit} FOR UPDATE OF c ${limit === 1 ? '' : 'SKIP LOCKED'}`,
      parameters,
    );
  }

  private async refuse(
    manager: EntityManager,
    refused: readonly { readonly id: string; readonly why: string }[],
  ): Promise<void> {
    await manager.query(
      `UPDATE ${tablesOf(this.dataSource).callbacks} c SET replay_requested_at = NULL, replay_id = NULL, detail = r.why
       FROM json_to_recordset($1::json) AS r (id uuid, why text) WHERE c.id = r.id`,
      [JSON.stringify(refused)],
    );
  }
}

/** Why it cannot be replayed, in words. */
function refusal(candidate: Candidate): string | undefined {
  if (OPEN_STATES.some((state) => state === candidate.state)) return undefined;
  if (!candidate.has_payload) return 'it has no payload that could be sent';
  if (candidate.is_deleted) return 'its callback API was deleted';
  if (candidate.is_disabled) return `callback API ${candidate.endpoint_id} is disabled: enable it first`;
  return undefined;
}

/** In the order of the ids, so that two processes that count for the same runs cannot deadlock. */
async function advance(
  manager: EntityManager,
  candidates: readonly Candidate[],
  refused: ReadonlySet<string>,
): Promise<void> {
  const runs = Map.groupBy(candidates, ({ run }) => run);
  for (const [run, members] of [...runs].toSorted(([one], [other]) =>
    (one ?? '') < (other ?? '') ? -1 : 1,
  )) {
    if (run === null) continue;
    const refusals = members.filter(({ id }) => refused.has(id)).length;
    await manager.query(
      `UPDATE service_callback_replays SET queued = queued + $2, refused = refused + $3, advanced_at = now()
       WHERE id = $1`,
      [run, members.length - refusals, refusals],
    );
  }
}
