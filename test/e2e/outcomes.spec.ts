import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { givenUpRows, type GivenUpRow } from '../support/given-up.js';
import type { LogLine } from '../support/logs.js';
import { allFinished, queuedJobs } from '../support/queue-state.js';
import * as kit from '../support/receiver.js';
import { causeCallback, registerCallbackApi, type SentCallback } from '../support/scenario.js';
import { startTestService, type TestService } from '../support/service.js';
import { query } from '../support/sql.js';
import { selfSigned } from '../support/tls/credentials.js';

/** Long compared with a response of a loaded machine, short compared with the timeouts of the waits. */
const TIMEOUT_MS = 2_000;
const MAX_RETRIES = 2;

type Fate = 'delivered' | 'final' | 'retryable';

interface Row {
  readonly name: string;
  readonly fate: Fate;
  /** What a line of the log and a dead letter say of an attempt: one of the two. */
  readonly result: { readonly status_code: number } | { readonly error: string };
  readonly endpoint: Behaves | Elsewhere;
}

/** The behaviour of the receiver. */
interface Behaves {
  readonly as: kit.Behaviour;
  /** It has a receiver of its own: a lost connection that served another row before would be replaced. */
  readonly alone?: true;
}

/** The receiver gets no complete request. */
interface Elsewhere {
  readonly url: (servers: Servers) => string | Promise<string>;
}

interface Servers {
  readonly plain: kit.Receiver;
  /** The receiver of rows with `alone`. */
  readonly lone: kit.Receiver;
  readonly tls: kit.Receiver;
  /** Responds to a TLS handshake with something else. */
  readonly notTls: kit.TcpServer;
}

/** The record of a callback, as SQL shows it. */
interface CallbackRow {
  readonly id: string;
  readonly [column: string]: unknown;
}

/** Everything that is known of a row once it is over. */
interface Played {
  readonly sent: SentCallback;
  readonly url: string;
  readonly requests: readonly kit.RecordedRequest[];
  readonly lines: readonly LogLine[];
  readonly record: CallbackRow | undefined;
  readonly givenUp: GivenUpRow | undefined;
}

const rows: readonly Row[] = [
  ...responds('delivered', [200, 201, 202, 204, 206]),
  ...responds('final', [301, 302, 307, 308]),
  ...responds('final', [400, 401, 403, 404, 405, 409, 410, 418, 499]),
  ...responds('retryable', [429, 500, 501, 502, 503, 504, 599]),
  accepted('reset mid-body after a 200', kit.resetMidBody()),
  accepted('200 whose body drips past the deadline', kit.dripBody(20)),
  noResponse('refused', 'connection_refused', {
    url: async () => `http://127.0.0.1:${await kit.closedPort()}/`,
  }),
  noResponse('reset before headers', 'connection_reset', { as: kit.resetBeforeHeaders(), alone: true }),
  noResponse('never responds', 'timeout', { as: kit.hang() }),
  noResponse('headers never complete', 'timeout', { as: kit.incompleteHeaders() }),
  noResponse('not HTTP', 'invalid_response', { as: kit.notHttp() }),
  noResponse('not TLS', 'tls_failure', { url: ({ notTls }) => `https://127.0.0.1:${notTls.port}/` }),
  noResponse('a self-signed certificate', 'tls_certificate_self_signed', {
    url: ({ tls }) => tls.url('/'),
  }),
  noResponse('a name that does not resolve', 'dns_failure', { url: () => 'http://something.invalid/' }),
  {
    name: 'an address that may not be called',
    fate: 'final',
    result: { error: 'address_not_allowed' },
    endpoint: { url: () => 'http://10.0.0.1/' },
  },
];

function responds(fate: Fate, codes: readonly number[]): Row[] {
  return codes.map((code) => ({
    name: `${code}`,
    fate,
    result: { status_code: code },
    // The target of the redirects, which must not be followed.
    endpoint: { as: kit.status(code, { headers: { location: '/followed' } }) },
  }));
}

/** The headers that the record keeps of a response that is no 2xx. */
function headersKept(result: Row['result']): object {
  const headers: unknown = expect.objectContaining({ location: '/followed' });
  return 'status_code' in result ? { headers } : {};
}

function accepted(name: string, as: kit.Behaviour): Row {
  return { name, fate: 'delivered', result: { status_code: 200 }, endpoint: { as } };
}

function noResponse(name: string, error: string, endpoint: Row['endpoint']): Row {
  return { name, fate: 'retryable', result: { error }, endpoint };
}

describe('the outcome of a callback', () => {
  const played = new Map<Row, Played>();
  let database: TestDatabase;
  let servers: Servers;
  let service: TestService;

  /** All rows at once: they are different services, and the longest takes as long as all of them. */
  beforeAll(async () => {
    database = await createTestDatabase();
    servers = {
      plain: await kit.startReceiver(),
      lone: await kit.startReceiver(),
      tls: await kit.startReceiver({ tls: selfSigned }),
      notTls: await kit.startTcpServer({
        onData: (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'),
      }),
    };
    service = await startTestService(database.url, {
      CALLBACK_TIMEOUT_MS: `${TIMEOUT_MS}`,
      CALLBACK_MAX_RETRIES: `${MAX_RETRIES}`,
    });
    const sent = await Promise.all(rows.map((row, index) => send(row, `/${index}`)));
    // A row that does not end is that row's failure.
    await Promise.allSettled(sent.map(({ sent: { id } }) => service.logs.waitForEnd(id)));
    await allFinished(service).catch(() => undefined);
    const givenUp = await givenUpRows(database.url);
    const records = await query<CallbackRow>(database.url, 'SELECT * FROM service_callbacks');
    for (const [index, row] of rows.entries())
      played.set(row, look(sent[index], `/${index}`, records, givenUp));
  }, 120_000);

  afterAll(async () => {
    await service.stop();
    await Promise.all(Object.values(servers).map((server: { close(): Promise<void> }) => server.close()));
    await database.drop();
  });

  async function send({ endpoint }: Row, path: string): Promise<Pick<Played, 'sent' | 'url'>> {
    const { id, serviceId } = await registerCallbackApi(service, { url: servers.plain.url(path) });
    const receiver = 'alone' in endpoint ? servers.lone : servers.plain;
    if ('as' in endpoint) receiver.respond(path, endpoint.as);
    const url = 'as' in endpoint ? receiver.url(path) : await endpoint.url(servers);
    // The registration does not check it, as with a name whose address has changed since.
    await query(database.url, 'UPDATE service_callback_apis SET url = $1 WHERE id = $2', [url, id]);
    return { sent: await causeCallback(service, serviceId), url };
  }

  function look(
    of: Pick<Played, 'sent' | 'url'> | undefined,
    path: string,
    records: readonly CallbackRow[],
    givenUp: readonly GivenUpRow[],
  ): Played {
    if (!of) throw new Error('Every row was sent.');
    const { id } = of.sent;
    return {
      ...of,
      requests: [servers.plain, servers.lone].flatMap(({ requests }) =>
        requests.filter((request) => request.path === path),
      ),
      lines: service.logs.ofCallback(id),
      record: records.find((record) => record.id === id),
      givenUp: givenUp.find((row) => row.id === id),
    };
  }

  function outcomeOf(row: Row): Played {
    const outcome = played.get(row);
    if (!outcome) throw new Error(`Row ${row.name} was not played.`);
    return outcome;
  }

  const attemptsOf = ({ fate }: Row) => (fate === 'retryable' ? 1 + MAX_RETRIES : 1);
  const named = rows.map((row) => [row.name, row] as const);

  it.each(named)('%s: the expected number of requests arrives, all with one id', (_, row) => {
    const { requests, sent } = outcomeOf(row);
    expect(requests).toHaveLength('as' in row.endpoint ? attemptsOf(row) : 0);
    expect(new Set(requests.map(({ headers }) => headers['webhook-id']))).toEqual(
      new Set(requests.length > 0 ? [sent.id] : []),
    );
  });

  it.each(named)('%s: is logged, at most as a warning', (_, row) => {
    const { sent, url, lines } = outcomeOf(row);
    const subject = {
      service_callback_url: url,
      callback_type: 'delivery_status',
      callback_id: sent.id,
      service_id: sent.serviceId,
      subject_id: sent.notificationId,
      notification_id: sent.notificationId,
    };
    const attempted = (event: string, attempt: number, level: number, more: object = {}) => ({
      pid: process.pid,
      time: expect.any(String),
      context: 'ServiceCallbacks',
      msg: expect.any(String),
      level,
      event,
      ...subject,
      attempt,
      duration_ms: expect.any(Number),
      ...row.result,
      ...more,
    });
    const [queued, ...attempts] = lines;
    expect(queued).toMatchObject({ event: 'callback.queued', level: 30, ...subject });
    expect(attempts).toEqual(
      {
        delivered: [attempted('callback.delivered', 1, 30)],
        final: [attempted('callback.not_retried', 1, 40)],
        retryable: [
          attempted('callback.retrying', 1, 40, { next_attempt_at: expect.any(String) }),
          attempted('callback.retrying', 2, 40, { next_attempt_at: expect.any(String) }),
          attempted('callback.retries_exhausted', 3, 40),
        ],
      }[row.fate],
    );
    for (const { duration_ms: duration } of attempts) expect(duration).toBeLessThan(TIMEOUT_MS * 2);
  });

  it.each(named)('%s: the record is finished and in no batch', (_, row) => {
    expect(outcomeOf(row).record).toMatchObject({
      state: row.fate === 'delivered' ? 'delivered' : 'given_up',
      attempt_count: attemptsOf(row),
      batch: null,
      next_attempt_at: null,
      finished_at: expect.any(Date),
    });
  });

  it.each(named)('%s: a callback that is given up is kept', (_, row) => {
    const { givenUp, sent, url } = outcomeOf(row);
    const attempt = {
      at: expect.any(String),
      duration_ms: expect.any(Number),
      ...row.result,
      ...headersKept(row.result),
      worker: expect.any(String),
    };
    const kept: unknown = expect.objectContaining({
      id: sent.id,
      service_id: sent.serviceId,
      callback_type: 'delivery_status',
      subject_id: sent.notificationId,
      url,
      reason: row.fate === 'final' ? 'not_retried' : 'retries_exhausted',
      payload: expect.stringMatching(/^test\./),
      generation: 0,
      attempts: Array.from({ length: attemptsOf(row) }, () => attempt),
    });
    expect(givenUp).toEqual(row.fate === 'delivered' ? undefined : kept);
  });

  it('no redirect is followed', () => {
    expect(servers.plain.requests.map(({ path }) => path)).not.toContain('/followed');
  });

  it('no job is left in either queue', async () => {
    expect(await queuedJobs(service)).toEqual([]);
  });

  it.each(['a-bearer-token-of-the-service', 'recipient@example.com'])(
    '%s is nowhere in the log',
    (secret) => {
      expect(service.logs.lines.filter((line) => JSON.stringify(line).includes(secret))).toEqual([]);
    },
  );

  it('nothing a server did is an error of this platform', () => {
    expect(service.logs.errors()).toEqual([]);
  });
});
