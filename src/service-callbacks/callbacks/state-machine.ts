import { QUIET_PRIORITY, type AttemptRecord, type DeferralReason, type GiveUpReason } from './callback.js';

/**
 * The states of a callback's record, and every way from one to another. Each transition is one set-based statement
 * with its guard in the `WHERE`: of two processes that attempt the same transition, one changes the row.
 *
 * | from                         | to        | by         | when                                                    |
 * | ---------------------------- | --------- | ---------- | ------------------------------------------------------- |
 * | –                            | pending   | producer   | the caller's transaction commits                        |
 * | –                            | pending   | legacy job | a job of an older release becomes a record              |
 * | –                            | given_up  | legacy job | the same; it is unreadable, or has no endpoint any more |
 * | pending, scheduled (due)     | queued    | relay      | it is taken into a batch                                |
 * | pending, scheduled (due)     | held      | relay      | its endpoint is on hold                                 |
 * | pending, scheduled, held     | given_up  | relay      | it would be taken; its endpoint is deleted or disabled  |
 * | held                         | queued    | relay      | as a probe, or as the hold is released                  |
 * | queued                       | delivered | settlement | a 2xx                                                   |
 * | queued                       | scheduled | settlement | a retryable failure, or no permit (no attempt is spent) |
 * | queued                       | held      | settlement | its endpoint is on hold; a probe failed                 |
 * | queued                       | pending   | settlement | not sent: the process stops, or its batch stalled twice |
 * | queued                       | given_up  | settlement | final response, retries exhausted, unreadable, stalled  |
 * | queued                       | given_up  | settlement | the recheck finds its endpoint deleted or disabled      |
 * | queued                       | scheduled | worker     | its job is of a later release, or cannot be parsed      |
 * | queued                       | scheduled | sweep      | no job can be made of its batch now                     |
 * | pending, scheduled, held     | given_up  | management | its endpoint is deleted or disabled                     |
 * | scheduled, held              | given_up  | sweep      | its generation is older than the maximum age            |
 * | held                         | scheduled | sweep      | its endpoint has no hold any more                       |
 * | delivered, given_up          | pending   | replay     | a person requested it: the next generation              |
 *
 * A 2xx settles any open state of its generation and beats a `given_up` of the same generation: the endpoint has it.
 */
export const OPEN_STATES = ['pending', 'scheduled', 'queued', 'held'] as const;
export const FINISHED_STATES = ['delivered', 'given_up'] as const;

export type OpenState = (typeof OPEN_STATES)[number];
export type CallbackState = OpenState | (typeof FINISHED_STATES)[number];

/** What happens to a callback next. */
export type Disposition =
  | { readonly kind: 'delivered' }
  /**
   * @property delayMs from the settlement, by the database's clock
   * @property deferral why it is postponed without an attempt
   */
  | { readonly kind: 'retryAt'; readonly delayMs: number; readonly deferral?: DeferralReason }
  /** Its endpoint is on hold, and it waits for the release. If the hold is over, it is due at once. */
  | { readonly kind: 'hold'; readonly deferral: DeferralReason }
  /**
   * Not sent: it is taken again as soon as possible.
   * @property alone from now on, it is in a batch of one
   */
  | { readonly kind: 'return'; readonly alone: boolean }
  | { readonly kind: 'giveUp'; readonly reason: GiveUpReason; readonly detail?: string };

/** The disposition of one callback, with its attempt. */
export interface Settlement {
  readonly id: string;
  readonly endpointId: string;
  readonly batch: string;
  readonly generation: number;
  readonly disposition: Disposition;
  /** The attempt that decided it; absent if there was no attempt. */
  readonly attempt?: AttemptRecord;
  /** The URL of the attempt. */
  readonly url?: string;
  /** The attempt was a probe: it spends no retry. */
  readonly isProbe?: boolean;
}

/** Names of the tables, with their schema if the module's `DataSource` has one. */
export interface Tables {
  readonly callbacks: string;
  /** The sealed JSON text of each callback, written once. */
  readonly payloads: string;
  /** The callback of each news, until the idempotency window ends. */
  readonly news: string;
  readonly holds: string;
  readonly endpoints: string;
}

/** The longest interval of probes, ms. The interval doubles up to it. */
const MAX_PROBE_INTERVAL_MS = 600_000;
/** The most attempts that a record keeps: the last ones. */
const MAX_ATTEMPTS = 50;

/**
 * To the millisecond, like a `Date`: the cursor of a list is such a time, and one statement finishes many callbacks.
 */
const FINISH_TIME = `date_trunc('milliseconds', now())`;

/**
 * Hides the state from the planner. Otherwise it walks over all queued rows instead of using the ids: 512 rows took 1.6
 * s with 16,000 queued.
 */
const HIDDEN_STATE = `(c.state || '')`;

/** Whether the probe of hold `h` is on its way. */
const isProbing = ({ callbacks }: Tables) => `EXISTS (
  SELECT FROM ${callbacks} c WHERE c.id = h.probe_id AND ${HIDDEN_STATE} = 'queued')`;

/**
 * Inserts news that has no callback. $1: JSON array of {@link NewCallback}s, in the order of their keys, so that two
 * statements cannot deadlock. Returns a row for each callback: `id`, and `record_id`, the id of the record that has
 * the news. `record_id` is null if a transaction that this statement cannot see has just committed that record.
 */
export const insertStatement = ({ callbacks, payloads, news }: Tables) => `
  WITH given AS MATERIALIZED (
    SELECT * FROM json_to_recordset($1::json) AS t (id uuid, service_id text, endpoint_id uuid, callback_type text,
      subject_id text, url text, news_key uuid, priority smallint, queued_at float8, trace jsonb, payload text)
  ), fresh AS (
    INSERT INTO ${news} (news_key, callback_id, sent_at) SELECT news_key, id, now() FROM given
    ON CONFLICT (news_key) DO NOTHING
    RETURNING news_key, callback_id
  ), sealed AS (
    INSERT INTO ${payloads} (id, payload) SELECT id, payload FROM given JOIN fresh ON callback_id = id
  ), recorded AS (
    INSERT INTO ${callbacks} (id, service_id, endpoint_id, callback_type, subject_id, url, state, priority, queued_at,
      generation_at, changed_at, trace)
    SELECT id, service_id, endpoint_id, callback_type, subject_id, url, 'pending', priority,
      to_timestamp(queued_at / 1000), to_timestamp(queued_at / 1000), now(), trace
    FROM given JOIN fresh ON callback_id = id
  ), result AS (
    SELECT given.id, COALESCE(fresh.callback_id, (
      SELECT n.callback_id FROM ${news} n WHERE n.news_key = given.news_key
    )) AS record_id
    FROM given LEFT JOIN fresh ON fresh.news_key = given.news_key
  )`;

/** $1 news keys */
export const findNewsStatement = ({ news }: Tables) =>
  `SELECT n.callback_id AS id, n.news_key FROM ${news} n WHERE n.news_key = ANY($1::uuid[])`;

/**
 * Begins a transaction whose plans use the indexes. A table that was analysed while empty makes the planner sort or
 * scan all of it. If this process stops within the transaction, the server ends it: its locks would stop the relays of
 * all others.
 */
export const BEGIN = `BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL idle_in_transaction_session_timeout = '5s';
  SET LOCAL enable_sort = off; SET LOCAL enable_seqscan = off;
  SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL jit = off`;

const LEADER = `leader AS MATERIALIZED (SELECT pg_try_advisory_xact_lock($1) AS is_leader)`;
const LEADS = `(SELECT is_leader FROM leader)`;

/** What `batched` needs of a callback, with the bytes of its payload. */
const sized = ({ payloads }: Tables) => `c.id, c.endpoint_id, c.seq, c.next_attempt_at, c.alone,
  (SELECT octet_length(p.payload) FROM ${payloads} p WHERE p.id = c.id) AS bytes`;

/**
 * Cuts the taken callbacks into batches. The callbacks of a batch go to one queue, are all of quiet services or all of
 * others, and are sorted by endpoint. A batch ends after $3 bytes of payload. A callback that must go alone is a batch
 * of its own. Endpoints are joined as they are now.
 * @param taken rows of id, endpoint_id, seq, next_attempt_at, alone, bytes, is_first, is_quiet, is_probe
 * @param state the new state of the record: an expression over the endpoint `e` and its hold `h`
 * @param size the most callbacks of a batch: an expression over a row of `taken`
 */
const batched = (
  { callbacks, payloads, holds, endpoints }: Tables,
  taken: string,
  state: string,
  size: string,
) => `
  placed AS (
    SELECT t.*, t.alone OR t.is_probe AS by_itself FROM ${taken} t
  ),
  counted AS (
    SELECT p.*, (row_number() OVER apart - 1) / (${size}) AS nth,
      (sum(COALESCE(bytes, 0)) OVER apart - COALESCE(bytes, 0)) / $3::int AS nth_by_size
    FROM placed p
    WINDOW apart AS (PARTITION BY is_first, is_quiet, CASE WHEN by_itself THEN id END ORDER BY endpoint_id, seq)
  ),
  numbered AS (
    SELECT id, endpoint_id, next_attempt_at, is_first, is_probe,
      dense_rank() OVER (ORDER BY is_first DESC, is_quiet DESC, CASE WHEN by_itself THEN id END NULLS FIRST, nth,
        nth_by_size) AS batch
    FROM counted
  ),
  batches AS MATERIALIZED (SELECT n.batch, gen_random_uuid() AS id FROM (SELECT DISTINCT batch FROM numbered) n),
  decided AS (
    SELECT n.id, n.next_attempt_at, n.is_first, n.is_probe, b.id AS batch, ${state} AS state, e.url,
      e.bearer_token, e.signing_secret,
      CASE WHEN e.previous_signing_secret_until > now() THEN e.previous_signing_secret END AS previous_secret,
      CASE WHEN e.id IS NULL THEN 'cancelled' ELSE 'disabled' END AS give_up_reason, h.reason AS hold_reason,
      h.next_probe_at, p.payload
    FROM numbered n JOIN batches b ON b.batch = n.batch LEFT JOIN ${endpoints} e ON e.id = n.endpoint_id
      LEFT JOIN ${holds} h ON h.endpoint_id = n.endpoint_id AND h.state <> 'lifted'
      LEFT JOIN ${payloads} p ON p.id = n.id
  ),
  result AS (
    UPDATE ${callbacks} c SET state = d.state,
      reason = CASE WHEN d.state = 'given_up' THEN d.give_up_reason END,
      finished_at = CASE WHEN d.state = 'given_up' THEN ${FINISH_TIME} END,
      detail = CASE d.state WHEN 'held' THEN d.hold_reason WHEN 'queued' THEN c.detail END,
      batch = CASE WHEN d.state = 'queued' THEN d.batch END,
      is_first = d.is_first, batched_at = now(), next_attempt_at = NULL, changed_at = now(),
      url = COALESCE(d.url, c.url)
    FROM decided d WHERE c.id = d.id
    RETURNING d.is_probe, ${RECORD}, d.payload, d.bearer_token, d.signing_secret, d.previous_secret,
      d.hold_reason, (extract(epoch FROM d.next_probe_at) * 1000)::bigint AS next_probe_at,
      floor(extract(epoch FROM d.next_attempt_at) * 1000)::bigint AS next_attempt_at
  )`;

/** What a job needs of a record. */
const RECORD = `c.id, c.state, c.reason, c.batch, c.priority, c.seq, c.service_id, c.endpoint_id, c.callback_type,
    c.subject_id, c.url, c.generation, c.attempt_count, c.earlier_attempts, c.alone, c.is_first,
    (c.attempts->-1) - '{excerpt,headers}'::text[] AS last_attempt, (extract(epoch FROM c.queued_at) * 1000)::bigint AS queued_at,
    c.detail, c.trace`;

/** Whether a pending callback goes to the main queue: as `isFirstAttempt`. */
const IS_FIRST_ATTEMPT = '(c.attempt_count = 0 AND c.generation = 0)';

/**
 * The first callback that is pending above the mark `m` of its priority. The order makes the planner use the index of
 * pending callbacks, once for each mark. Without it, and with EXISTS, the planner chose plans that walk over all dead
 * rows of the table beside a long transaction of the host: up to a second for each look.
 */
const firstPending = ({ callbacks }: Tables) => `
  SELECT c.seq FROM ${callbacks} c WHERE c.state = 'pending' AND c.priority = m.priority AND c.seq > m.after
  ORDER BY c.seq LIMIT 1`;

/** Whether a callback is due since `from` or later, Unix ms. */
const isDue = (from: string) => `c.state = 'scheduled' AND c.next_attempt_at <= now()
      AND c.next_attempt_at >= to_timestamp(${from}::float8 / 1000)`;

/** Pending callbacks of some priorities, each up to its quota. @param which a condition on the quota `q` */
const pendingOf = (tables: Tables, which: string) => `
    SELECT r.* FROM quotas q CROSS JOIN LATERAL (
      SELECT ${sized(tables)}, ${IS_FIRST_ATTEMPT} AS is_first,
        ${IS_FIRST_ATTEMPT} AND c.priority <= ${QUIET_PRIORITY} AS is_quiet
      FROM ${tables.callbacks} c
      WHERE c.state = 'pending' AND c.priority = q.priority AND c.seq >= q.first
      ORDER BY c.seq LIMIT q.quota FOR UPDATE SKIP LOCKED
    ) r WHERE ${which}`;

/**
 * Takes pending and due callbacks into batches, one relay at a time over all processes. They are `queued` in their
 * batch when the transaction commits; the job is added after that. Callbacks of an endpoint on hold are `held` and go to
 * no queue.
 *
 * Pending ones go by priority, then age; the lowest priority gets an eighth. Those of quiet services have a limit of
 * their own.
 *
 * $1 advisory lock · $2 callbacks a batch of the main queue · $3 bytes a batch · $4 priorities, the only ones that are
 * read, and $5 the seq after which each is read · the most pending, $6 of quiet services and $7 of others · $8 the most
 * due · $9 callbacks a batch of the retry queue · $10 the time from which due ones are read, Unix ms
 */
export const takeStatement = (tables: Tables) => `
  WITH ${LEADER},
  marks AS MATERIALIZED (SELECT * FROM unnest($4::smallint[], $5::bigint[]) AS p (priority, after)),
  waiting AS MATERIALIZED (
    SELECT m.priority, pending.seq AS first FROM marks m CROSS JOIN LATERAL (${firstPending(tables)}) pending
    WHERE $6::int + $7::int > 0 AND ${LEADS}
  ),
  quotas AS MATERIALIZED (
    (SELECT priority, first, ($7::int + 7) / 8 AS quota FROM waiting ORDER BY priority DESC LIMIT 1)
    UNION ALL
    SELECT priority, first, CASE WHEN priority <= ${QUIET_PRIORITY} THEN $6::int ELSE $7::int END FROM waiting
  ),
  quiet AS MATERIALIZED (${pendingOf(tables, `q.priority <= ${QUIET_PRIORITY}`)} LIMIT $6),
  others AS MATERIALIZED (${pendingOf(tables, `q.priority > ${QUIET_PRIORITY}`)} LIMIT $7),
  pending AS MATERIALIZED (
    SELECT DISTINCT ON (p.id) p.* FROM (SELECT * FROM quiet UNION ALL SELECT * FROM others) p
  ),
  due AS MATERIALIZED (
    SELECT ${sized(tables)}, false AS is_first, false AS is_quiet FROM ${tables.callbacks} c
    WHERE ${isDue('$10')} AND ${LEADS}
    ORDER BY c.next_attempt_at LIMIT $8 FOR UPDATE SKIP LOCKED
  ),
  taken AS (SELECT *, false AS is_probe FROM pending UNION ALL SELECT *, false FROM due),
  ${batched(
    tables,
    'taken',
    `CASE WHEN e.id IS NULL OR e.disabled_at IS NOT NULL THEN 'given_up' WHEN h.state IS NOT NULL THEN 'held'
      ELSE 'queued' END`,
    'CASE WHEN is_first THEN $2::int ELSE $9::int END',
  )}`;

/**
 * Whether a take would find anything. It costs the database a tenth of a take. $1 priorities and $2 the seq after which
 * each is read · $3 the time from which due callbacks are read, Unix ms
 */
export const anyDueStatement = (tables: Tables) => `
  SELECT EXISTS (
    SELECT FROM unnest($1::smallint[], $2::bigint[]) AS m (priority, after)
    CROSS JOIN LATERAL (${firstPending(tables)}) pending
  ) OR (
    SELECT true FROM ${tables.callbacks} c WHERE ${isDue('$3')}
    ORDER BY c.next_attempt_at LIMIT 1
  ) IS NOT NULL AS any_due`;

/**
 * Takes held callbacks. A hold whose probe is due gives one callback, the one that was probed longest ago. A hold that
 * is being released gives its oldest callbacks, as many as its window allows. The window starts at one, and doubles
 * while released callbacks are settled.
 *
 * $1 advisory lock · $2 callbacks and $3 bytes a batch · $4 the most probes at one time · $5 the largest window · $6 the
 * most callbacks that are released
 */
export const takeHeldStatement = (tables: Tables) => `
  WITH ${LEADER},
  queued AS MATERIALIZED (
    SELECT c.endpoint_id, count(*) AS count FROM ${tables.callbacks} c
    WHERE c.state = 'queued' GROUP BY c.endpoint_id
  ),
  probing AS MATERIALIZED (
    SELECT h.endpoint_id FROM ${tables.holds} h
    WHERE h.state = 'open' AND ${isProbing(tables)}
  ),
  due_holds AS MATERIALIZED (
    SELECT h.endpoint_id FROM ${tables.holds} h
    WHERE h.state = 'open' AND h.reason = 'circuit_open' AND h.next_probe_at <= now() AND ${LEADS}
      AND h.endpoint_id NOT IN (SELECT endpoint_id FROM probing)
    ORDER BY h.next_probe_at LIMIT GREATEST(0, $4::int - (SELECT count(*) FROM probing))
  ),
  probes AS MATERIALIZED (
    SELECT r.* FROM due_holds d CROSS JOIN LATERAL (
      SELECT ${sized(tables)}, false AS is_first, false AS is_quiet FROM ${tables.callbacks} c
      WHERE c.state = 'held' AND c.endpoint_id = d.endpoint_id
      ORDER BY COALESCE(c.probed_at, 'epoch'), c.queued_at LIMIT 1 FOR UPDATE SKIP LOCKED
    ) r
  ),
  releasing AS MATERIALIZED (
    SELECT h.endpoint_id, h.release_window - COALESCE(q.count, 0) AS room, h.release_window
    FROM ${tables.holds} h LEFT JOIN queued q ON q.endpoint_id = h.endpoint_id
    WHERE h.state = 'releasing' AND ${LEADS}
    ORDER BY random()
  ),
  released AS MATERIALIZED (
    SELECT r.* FROM releasing g CROSS JOIN LATERAL (
      SELECT ${sized(tables)}, false AS is_first, false AS is_quiet FROM ${tables.callbacks} c
      WHERE c.state = 'held' AND c.endpoint_id = g.endpoint_id
      ORDER BY c.queued_at, c.id LIMIT GREATEST(0, g.room) FOR UPDATE SKIP LOCKED
    ) r LIMIT $6
  ),
  probed AS (
    UPDATE ${tables.holds} h SET probe_id = p.id,
      next_probe_at = now() + LEAST(${MAX_PROBE_INTERVAL_MS}, 2 * h.probe_interval_ms) * interval '1 millisecond',
      probe_interval_ms = LEAST(${MAX_PROBE_INTERVAL_MS}, 2 * h.probe_interval_ms)
    FROM probes p WHERE h.endpoint_id = p.endpoint_id
  ),
  widened AS (
    UPDATE ${tables.holds} h SET release_window = LEAST($5::int, 2 * h.release_window)
    FROM releasing g WHERE h.endpoint_id = g.endpoint_id AND g.room * 2 > g.release_window
  ),
  taken AS (SELECT *, true AS is_probe FROM probes UNION ALL SELECT *, false FROM released),
  ${batched(
    tables,
    'taken',
    `CASE WHEN e.id IS NULL OR e.disabled_at IS NOT NULL THEN 'given_up' ELSE 'queued' END`,
    '$2::int',
  )}`;

/**
 * Releases holds whose time is over, and circuits whose probe is due while nothing is held: such a hold would stay due,
 * before others, and the endpoint's next callback shows whether it responds. Ends released holds without held callbacks.
 * Returns `endpoint_id`, `state`, `reason`, and the endpoint, null if it is deleted or disabled.
 */
export const releaseDueStatement = (tables: Tables) => `
  UPDATE ${tables.holds} h SET
    state = CASE h.state WHEN 'open' THEN 'releasing' ELSE 'lifted' END,
    lifted_at = CASE h.state WHEN 'open' THEN now() ELSE h.lifted_at END,
    release_window = 1
  WHERE (h.state = 'releasing' OR (h.state = 'open' AND h.next_probe_at <= now()))
    AND ((h.state = 'open' AND h.reason = 'retry_after') OR NOT (${isProbing(tables)} OR EXISTS (
      SELECT FROM ${tables.callbacks} c WHERE c.state = 'held' AND c.endpoint_id = h.endpoint_id)))
  RETURNING h.endpoint_id, h.state, h.reason, (
    SELECT json_build_object('endpointId', e.id, 'serviceId', e.service_id, 'callbackType', e.callback_type, 'url', e.url)
    FROM ${tables.endpoints} e WHERE e.id = h.endpoint_id AND e.disabled_at IS NULL) AS endpoint`;

/** The open hold `h` stays the one it is. `Retry-After` only delays the probe of an open circuit. */
const IS_SAME_HOLD = `(h.state = 'open' AND (h.reason = 'circuit_open' OR EXCLUDED.reason = 'retry_after'))`;

/**
 * Puts an endpoint on hold because of an attempt that began $4 ms ago. An attempt that began before the last hold was
 * lifted changes nothing. Returns a row if the hold is new, or now lasts longer. $1 endpoint · $2 reason · $3 ms until
 * it may get the next attempt
 */
export const holdStatement = ({ holds }: Tables) => `
  INSERT INTO ${holds} AS h (endpoint_id, state, reason, since, next_probe_at, probe_interval_ms)
  SELECT $1::uuid, 'open', $2, now(), now() + $3::float8 * interval '1 millisecond',
    LEAST($3::float8, ${MAX_PROBE_INTERVAL_MS})
  ON CONFLICT (endpoint_id) DO UPDATE SET state = 'open', next_probe_at = EXCLUDED.next_probe_at, release_window = 1,
    reason = CASE WHEN ${IS_SAME_HOLD} THEN h.reason ELSE EXCLUDED.reason END,
    epoch = h.epoch + (NOT ${IS_SAME_HOLD})::int,
    since = CASE WHEN ${IS_SAME_HOLD} THEN h.since ELSE now() END,
    probe_interval_ms = CASE WHEN ${IS_SAME_HOLD} THEN h.probe_interval_ms ELSE EXCLUDED.probe_interval_ms END,
    probe_id = CASE WHEN ${IS_SAME_HOLD} THEN h.probe_id END
  WHERE (h.state <> 'open' AND now() - $4::int * interval '1 millisecond' > h.lifted_at)
    OR (h.state = 'open' AND EXCLUDED.next_probe_at > h.next_probe_at AND 'retry_after' IN (h.reason, EXCLUDED.reason))
  RETURNING h.since = now() AS is_new`;

/** The endpoint responds, or has changed: its held callbacks continue. $1 endpoint */
export const liftStatement = ({ holds }: Tables) => `
  UPDATE ${holds} h SET state = 'releasing', lifted_at = now(), release_window = 1
  WHERE h.endpoint_id = $1 AND h.state = 'open' RETURNING h.endpoint_id`;

export const openHoldsStatement = ({ holds }: Tables) => `
  SELECT h.endpoint_id, h.reason, h.state, (extract(epoch FROM h.next_probe_at - now()) * 1000)::bigint AS due_in_ms
  FROM ${holds} h WHERE h.state <> 'lifted'`;

/**
 * Callbacks that wait behind a hold that no longer exists. It walks from endpoint to endpoint, because an endpoint on
 * hold may have very many. $1 limit
 */
export const strandedStatement = ({ callbacks, holds }: Tables) => `
  WITH RECURSIVE waiting AS (
    (SELECT c.endpoint_id FROM ${callbacks} c WHERE c.state = 'held' ORDER BY c.endpoint_id LIMIT 1)
    UNION ALL
    SELECT (SELECT c.endpoint_id FROM ${callbacks} c WHERE c.state = 'held' AND c.endpoint_id > w.endpoint_id
      ORDER BY c.endpoint_id LIMIT 1)
    FROM waiting w WHERE w.endpoint_id IS NOT NULL
  ),
  unheld AS MATERIALIZED (
    SELECT w.endpoint_id FROM waiting w
    WHERE w.endpoint_id IS NOT NULL
      AND NOT EXISTS (SELECT FROM ${holds} h WHERE h.endpoint_id = w.endpoint_id AND h.state <> 'lifted')
  ),
  stranded AS (
    SELECT s.id FROM unheld u CROSS JOIN LATERAL (
      SELECT c.id FROM ${callbacks} c WHERE c.state = 'held' AND c.endpoint_id = u.endpoint_id
      ORDER BY c.queued_at, c.id LIMIT $1 FOR UPDATE SKIP LOCKED
    ) s LIMIT $1
  ),
  result AS (
    UPDATE ${callbacks} c SET state = 'scheduled', next_attempt_at = now(), changed_at = now(), detail = NULL
    FROM stranded WHERE c.id = stranded.id RETURNING c.id
  )`;

/** The open callbacks of a batch at this moment. $1 batch · $2 ids */
export const openOfBatchStatement = ({ callbacks, payloads, endpoints }: Tables) => `
  SELECT ${RECORD.replace('c.url', 'COALESCE(e.url, c.url) AS url')}, p.payload, e.bearer_token, e.signing_secret,
    CASE WHEN e.previous_signing_secret_until > now() THEN e.previous_signing_secret END AS previous_secret,
    e.id IS NULL AS is_deleted, e.disabled_at IS NOT NULL AS is_disabled
  FROM ${callbacks} c LEFT JOIN ${endpoints} e ON e.id = c.endpoint_id
    LEFT JOIN ${payloads} p ON p.id = c.id
  WHERE c.id = ANY($2::uuid[]) AND c.batch = $1 AND ${HIDDEN_STATE} = 'queued'
  ORDER BY c.endpoint_id, c.seq`;

/** Batches that were marked long ago: their job must be in a queue. $1 ms · $2 limit · $3 batch after which it continues */
export const oldBatchesStatement = ({ callbacks }: Tables) => `
  SELECT DISTINCT c.batch FROM ${callbacks} c
  WHERE c.state = 'queued' AND c.batch > $3 AND c.batched_at < now() - $1 * interval '1 millisecond'
  ORDER BY c.batch LIMIT $2`;

/** $1 batch */
export const idsOfBatchStatement = ({ callbacks }: Tables) =>
  `SELECT c.id FROM ${callbacks} c WHERE c.state = 'queued' AND c.batch = $1`;

/** The state after the settlement. Without a hold, a held callback is due at once. */
const givenSettlements = ({ holds }: Tables) => `(
    SELECT t.id, t.batch, t.generation, t.reason, COALESCE(t.alone, false) AS alone, t.attempt, t.url,
      COALESCE(t.probe, false) AS probe, is_stranded,
      CASE WHEN is_stranded THEN 'scheduled' ELSE t.state END AS state,
      CASE WHEN is_stranded THEN NULL ELSE t.detail END AS detail,
      CASE WHEN is_stranded THEN 0 ELSE t.delay_ms END AS delay_ms
    FROM json_to_recordset($1::json) AS t (id uuid, endpoint_id uuid, batch uuid, generation integer, state text,
      reason text, detail text, delay_ms float8, alone boolean, attempt jsonb, url text, probe boolean),
    LATERAL (SELECT t.state = 'held' AND NOT EXISTS (
      SELECT FROM ${holds} h WHERE h.endpoint_id = t.endpoint_id AND h.state <> 'lifted') AS is_stranded) stranded
  ) s`;

/** Whether a settlement may change the state of its record. */
const APPLIES = `(CASE WHEN s.state = 'delivered' THEN c.generation = s.generation AND ${HIDDEN_STATE} <> 'delivered'
  ELSE c.batch = s.batch AND ${HIDDEN_STATE} = 'queued' END)`;

/** An attempt is written once, however often its settlement is repeated. Its worker is part of it. */
const IS_NEW_ATTEMPT = `(s.attempt IS NOT NULL AND NOT c.attempts @> jsonb_build_array(s.attempt))`;

/**
 * Settles callbacks. $1: JSON array of {@link settlementRow}s, each id once, in the order of the ids. A settlement that
 * comes too late, because its job ran twice, changes only the attempts. Returns a row for each record: `applied` says
 * whether its state changed.
 */
export const settleStatement = (tables: Tables) => `
  UPDATE ${tables.callbacks} c SET
    state = CASE WHEN ${APPLIES} THEN s.state ELSE c.state END,
    reason = CASE WHEN ${APPLIES} THEN s.reason ELSE c.reason END,
    detail = CASE WHEN ${APPLIES} THEN s.detail ELSE c.detail END,
    next_attempt_at = CASE WHEN ${APPLIES} THEN now() + s.delay_ms * interval '1 millisecond'
      ELSE c.next_attempt_at END,
    finished_at = CASE WHEN ${APPLIES} THEN CASE WHEN s.state IN ('delivered', 'given_up') THEN ${FINISH_TIME} END
      ELSE c.finished_at END,
    seq = CASE WHEN ${APPLIES} AND s.state = 'pending' THEN
      nextval(pg_get_serial_sequence('${tables.callbacks}', 'seq')) ELSE c.seq END,
    batch = CASE WHEN ${APPLIES} THEN NULL ELSE c.batch END,
    changed_at = CASE WHEN ${APPLIES} THEN now() ELSE c.changed_at END,
    stalls = CASE WHEN ${APPLIES} AND s.attempt IS NOT NULL THEN 0 ELSE c.stalls END,
    alone = CASE WHEN ${APPLIES} THEN (c.alone AND s.attempt IS NULL) OR s.alone ELSE c.alone END,
    url = CASE WHEN ${APPLIES} THEN COALESCE(s.url, c.url) ELSE c.url END,
    attempts = CASE WHEN ${IS_NEW_ATTEMPT} THEN
      (CASE WHEN jsonb_array_length(c.attempts) < ${MAX_ATTEMPTS} THEN c.attempts ELSE c.attempts - 0 END)
        || s.attempt ELSE c.attempts END,
    attempt_count = c.attempt_count + (${IS_NEW_ATTEMPT})::int,
    earlier_attempts = c.earlier_attempts + (${IS_NEW_ATTEMPT} AND s.probe)::int,
    probed_at = CASE WHEN ${APPLIES} AND s.probe THEN now() ELSE c.probed_at END
  FROM ${givenSettlements(tables)}
  WHERE c.id = s.id AND (${APPLIES} OR s.attempt IS NOT NULL)
  RETURNING c.id, c.changed_at = now() AND c.state = s.state AS applied`;

/** A settlement in the form that the statement reads; what it leaves out is null. */
export function settlementRow(settlement: Settlement) {
  const { id, endpointId, batch, generation, disposition, attempt, url, isProbe } = settlement;
  return {
    id,
    endpoint_id: endpointId,
    batch,
    generation,
    ...written(disposition),
    attempt,
    url,
    probe: isProbe,
  };
}

function written(disposition: Disposition) {
  switch (disposition.kind) {
    case 'delivered':
      return { state: 'delivered' };
    case 'retryAt':
      return { state: 'scheduled', delay_ms: disposition.delayMs, detail: disposition.deferral };
    case 'hold':
      return { state: 'held', detail: disposition.deferral };
    case 'return':
      return { state: 'pending', alone: disposition.alone };
    case 'giveUp':
      return { state: 'given_up', reason: disposition.reason, detail: disposition.detail };
  }
}

/**
 * Counts a request of a batch of one before it begins: if the worker dies during it, the count stays. $1 id · $2 batch
 */
export const markAttemptStatement = ({ callbacks }: Tables) => `
  UPDATE ${callbacks} c SET stalls = c.stalls + 1
  WHERE c.id = $1 AND c.batch = $2 AND ${HIDDEN_STATE} = 'queued' RETURNING c.stalls`;

/** Schedules the callbacks of a job that cannot be read, $2 ms from now. $1 batch */
export const rescheduleBatchStatement = ({ callbacks }: Tables) => `
  UPDATE ${callbacks} c SET state = 'scheduled', next_attempt_at = now() + $2 * interval '1 millisecond',
    detail = 'platform_fault', batch = NULL, changed_at = now()
  WHERE c.state = 'queued' AND c.batch = $1 RETURNING c.id`;

const REPORTED = `c.id, c.service_id, c.endpoint_id, c.callback_type, c.subject_id, c.url, c.attempt_count,
  c.attempts->-1 AS last_attempt`;

/** Gives up some of the callbacks of an endpoint that is deleted or disabled. $1 endpoint · $2 reason · $3 limit */
export const giveUpWaitingStatement = ({ callbacks }: Tables) => `
  WITH chosen AS (
    SELECT id FROM ${callbacks} WHERE endpoint_id = $1 AND state IN ('pending', 'scheduled', 'held')
    LIMIT $3 FOR UPDATE SKIP LOCKED
  ), result AS (UPDATE ${callbacks} c SET state = 'given_up', reason = $2, finished_at = ${FINISH_TIME}, next_attempt_at = NULL,
    changed_at = now()
  FROM chosen WHERE c.id = chosen.id RETURNING ${REPORTED})`;

/** Gives up some of the callbacks that are older than the maximum age. $1 ms · $2 limit */
export const expireStatement = ({ callbacks }: Tables) => `
  WITH chosen AS (
    SELECT id FROM ${callbacks}
    WHERE state IN ('scheduled', 'held') AND generation_at < now() - $1 * interval '1 millisecond'
    ORDER BY generation_at LIMIT $2 FOR UPDATE SKIP LOCKED
  ), result AS (UPDATE ${callbacks} c SET state = 'given_up', reason = 'expired', finished_at = ${FINISH_TIME}, next_attempt_at = NULL,
    changed_at = now()
  FROM chosen WHERE c.id = chosen.id RETURNING ${REPORTED})`;

/** Starts the next generation of finished callbacks whose payload is kept. $1 ids · $2 priority */
export const replayStatement = ({ callbacks, payloads }: Tables) => `
  UPDATE ${callbacks} c SET state = 'pending', reason = NULL, detail = NULL, finished_at = NULL,
    generation = c.generation + 1, generation_at = now(), earlier_attempts = c.attempt_count,
    seq = nextval(pg_get_serial_sequence('${callbacks}', 'seq')), priority = $2, stalls = 0, batch = NULL,
    replay_requested_at = NULL, dismissed_at = NULL, changed_at = now()
  WHERE c.id = ANY($1::uuid[]) AND ${HIDDEN_STATE} IN ('delivered', 'given_up')
    AND EXISTS (SELECT FROM ${payloads} p WHERE p.id = c.id)
  RETURNING c.id`;

/** Inserts a record that the producer did not create. $1: JSON object of a {@link ForeignRecord} */
export const recordStatement = ({ callbacks, payloads }: Tables) => `
  WITH given AS MATERIALIZED (
    SELECT * FROM json_to_record($1::json) AS r (id uuid, service_id text, endpoint_id uuid, callback_type text,
      subject_id text, url text, state text, reason text, detail text, generation integer, attempts jsonb,
      earlier_attempts integer, queued_at float8, trace jsonb, payload text)
  ), result AS (
    INSERT INTO ${callbacks} (id, service_id, endpoint_id, callback_type, subject_id, url, state, reason, detail,
      priority, generation, generation_at, attempts, attempt_count, earlier_attempts, queued_at, changed_at,
      finished_at, trace)
    SELECT id, service_id, endpoint_id, callback_type, subject_id, url, state, reason, detail, 1, generation,
      to_timestamp(queued_at / 1000), attempts, jsonb_array_length(attempts), earlier_attempts,
      to_timestamp(queued_at / 1000), now(), CASE WHEN state = 'given_up' THEN ${FINISH_TIME} END, trace
    FROM given
    ON CONFLICT (id) DO NOTHING
    RETURNING id
  ), sealed AS (
    INSERT INTO ${payloads} (id, payload)
    SELECT given.id, given.payload FROM given JOIN result ON result.id = given.id WHERE given.payload IS NOT NULL
    ON CONFLICT (id) DO NOTHING
  )`;
