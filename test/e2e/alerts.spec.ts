import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { parse } from 'yaml';
import { payloadBinding } from '../../src/service-callbacks/callbacks/callback.js';
import { Clock } from '../../src/service-callbacks/clock.js';
import { EndpointReview } from '../../src/service-callbacks/endpoint-health/endpoint-review.js';
import { PayloadCipher } from '../../src/service-callbacks/security/payload-cipher.js';
import { watchPool } from '../support/connection-pool.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { enqueueAs, RETRYING } from '../support/enqueue-as.js';
import { eventually } from '../support/eventually.js';
import { startForwarder, type Forwarder } from '../support/faults/forwarder.js';
import { startForwardProxy, type ForwardProxy } from '../support/forward-proxy.js';
import { anchorsOf } from '../support/markdown.js';
import { metricsIn, Scrapes } from '../support/promql.js';
import { queueEnvironment, testedBackend } from '../support/queue-backend.js';
import { startReceiver, status, type Receiver } from '../support/receiver.js';
import {
  causeCallback,
  createNotification,
  registerCallbackApi,
  type RegisteredCallbackApi,
} from '../support/scenario.js';
import { startTestService, type TestService } from '../support/service.js';
import { query } from '../support/sql.js';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity?: string };
  readonly annotations: Readonly<Record<'summary' | 'description' | 'runbook_url', string | undefined>>;
}

interface Panel {
  readonly title: string;
  readonly description?: string;
  readonly links?: readonly { readonly url: string }[];
  readonly fieldConfig: { readonly defaults: { readonly unit?: string } };
  readonly targets: readonly { readonly expr: string }[];
}

async function readRules(): Promise<Rule[]> {
  const { groups } = parse(await readFile('deploy/alerts.yaml', 'utf8')) as { groups: { rules: Rule[] }[] };
  return groups.flatMap(({ rules }) => rules);
}

async function readPanels(): Promise<Panel[]> {
  return (JSON.parse(await readFile('deploy/grafana-dashboard.json', 'utf8')) as { panels: Panel[] }).panels;
}

/** Prometheus scrapes a process so often, s. */
const INTERVAL = 60;

const scrape = async (service: TestService): Promise<string> =>
  String((await service.call('GET', '/metrics')).body);

/** How many connections the process may have to the database. */
const POOL_SIZE = 10;

/** The port in front of a store, or of the proxy. */
async function forwarded(url: string): Promise<{ forwarder: Forwarder; port: number; url: string }> {
  const through = new URL(url);
  const port = Number(through.port);
  const forwarder = await startForwarder(port);
  through.port = String(forwarder.port);
  return { forwarder, port, url: through.href };
}

describe('the alert rules', () => {
  let databases: TestDatabase[];
  let receiver: Receiver;
  let service: TestService;
  let database: Awaited<ReturnType<typeof forwarded>>;
  let queue: Awaited<ReturnType<typeof forwarded>>;
  let forwardProxy: ForwardProxy;
  let proxy: Awaited<ReturnType<typeof forwarded>>;
  let rules: Rule[];
  let now = 0;
  /** The scrapes of all tests. */
  const history = new Scrapes();
  const fired = new Set<string>();

  beforeAll(async () => {
    rules = await readRules();
    databases = await Promise.all([createTestDatabase(), createTestDatabase()]);
    receiver = await startReceiver();
    database = await forwarded(databases[0]?.url ?? '');
    const { REDIS_URL } = await queueEnvironment();
    queue = await forwarded(REDIS_URL ?? databases[1]?.url ?? '');
    forwardProxy = await startForwardProxy();
    proxy = await forwarded(forwardProxy.url);
    service = await startTestService(database.url, {
      CALLBACK_PROXY_URL: proxy.url,
      DATABASE_POOL_SIZE: String(POOL_SIZE),
      ...(testedBackend() === 'redis' ? { REDIS_URL: queue.url } : { QUEUE_DATABASE_URL: queue.url }),
      CALLBACK_CIRCUIT_FAILURES: '3',
      CALLBACK_CIRCUIT_OPEN_MS: '60000',
      CALLBACK_MAX_RETRIES: '1',
    });
  }, 60_000);

  afterAll(async () => {
    await Promise.all([database.forwarder.up(database.port), queue.forwarder.up(queue.port)]);
    await service.stop();
    await Promise.all([database, queue, proxy].map(({ forwarder }) => forwarder.down()));
    await forwardProxy.close();
    await receiver.close();
    await Promise.all(databases.map((each) => each.drop()));
  });

  /** What fires after two real scrapes, one before and one after what `happens`. */
  async function alertsAfter(happens: () => Promise<unknown>): Promise<Set<string>> {
    const [scrapes, before] = [new Scrapes(), now];
    scrapes.add(before, await scrape(service));
    await happens();
    now += INTERVAL;
    const text = await scrape(service);
    for (const each of [scrapes, history]) each.add(now, text);
    const alerts = firing(scrapes, now);
    // It depends on how busy this machine is.
    alerts.delete('EventLoopBlocked');
    return alerts;
  }

  function firing(scrapes: Scrapes, at: number): Set<string> {
    const found = rules.filter(({ expr }) => scrapes.query(expr, at).length > 0).map(shortName);
    for (const name of found) fired.add(name);
    return new Set(found);
  }

  const shortName = ({ alert }: Rule) => alert.replace('ServiceCallbacks', '');

  const register = (path: string) => registerCallbackApi(service, { url: receiver.url(path) });
  const registerMany = (path: string, count: number) =>
    Promise.all(Array.from({ length: count }, () => register(path)));
  const causeEach = (apis: readonly RegisteredCallbackApi[]) =>
    Promise.all(apis.map(({ serviceId }) => causeCallback(service, serviceId)));
  const pathOf = ({ serviceId, id }: RegisteredCallbackApi) => `/service/${serviceId}/callback-api/${id}`;
  const record = (statement: string, parameters?: readonly unknown[]) =>
    query(databases[0]?.url ?? '', statement, parameters);
  const statesOf = async (id: string): Promise<string[]> =>
    (
      await query<{ state: string }>(
        databases[0]?.url ?? '',
        'SELECT DISTINCT state FROM service_callbacks WHERE endpoint_id = $1',
        [id],
      )
    ).map(({ state }) => state);
  const isReady = async (part: string): Promise<string | undefined> =>
    new RegExp(`^service_callback_ready\\{part="${part}"\\} (\\d)$`, 'm').exec(await scrape(service))?.[1];

  it('do not fire while callbacks arrive', async () => {
    const alerts = await alertsAfter(async () => {
      const { serviceId } = await register('/well');
      const { id } = await causeCallback(service, serviceId);
      await service.logs.waitFor('callback.delivered', { callback_id: id });
    });
    expect(alerts).toEqual(new Set());
  });

  it('notice an endpoint that only responds with 401, whose callbacks are not retried', async () => {
    receiver.respond('/unauthorized', 401);
    const alerts = await alertsAfter(async () => {
      const { serviceId } = await register('/unauthorized');
      await Promise.all(Array.from({ length: 12 }, () => causeCallback(service, serviceId)));
      await service.logs.waitFor('callback.not_retried', { service_id: serviceId }, { count: 12 });
    });
    expect(alerts).toEqual(new Set(['NotRetriedRising']));
  });

  it('do not fire while a receiver sends Retry-After, nor once its callbacks arrive', async () => {
    let isDown = true;
    const wait = status(503, { headers: { 'retry-after': '3600' } });
    receiver.respond('/down', (exchange) => (isDown ? wait : status(200))(exchange));
    const api = await register('/down');
    const during = await alertsAfter(async () => {
      await causeCallback(service, api.serviceId);
      await service.logs.waitFor('endpoint.held', { callback_api_id: api.id });
      const old = `queued_at = now() - interval '10 minutes', generation_at = now() - interval '10 minutes'`;
      for (let count = 0; count < 20; count += 1) await enqueueAs(service, api.serviceId, old);
      await eventually(async () => expect(await statesOf(api.id)).toEqual(['held']));
    });
    expect(during).toEqual(new Set());

    // Every process exports the same circuits: two of them are not two endpoints.
    const text = await scrape(service);
    const twice = new Scrapes().add(now, text, 'one:3000').add(now, text, 'two:3000');
    const held = rules.find(({ alert }) => alert === 'ServiceCallbacksManyEndpointsHeld')?.expr ?? '';
    const [more] = twice.query(held.replace('> 50', '> 0'), now);
    expect(more?.value).toBe(1);

    isDown = false;
    const after = await alertsAfter(async () => {
      await service.call('POST', `/service/${api.serviceId}/callback-api/${api.id}/test`);
      await eventually(async () => expect(await statesOf(api.id)).toEqual(['delivered']));
    });
    expect(after).toEqual(new Set());
  });

  it('notice that many endpoints are on hold', async () => {
    let isDown = true;
    const wait = status(503, { headers: { 'retry-after': '3600' } });
    receiver.respond('/all-down', (exchange) => (isDown ? wait : status(200))(exchange));
    const apis = await registerMany('/all-down', 51);
    const which = { service_callback_url: receiver.url('/all-down') };
    const alerts = await alertsAfter(async () => {
      await causeEach(apis);
      await service.logs.waitFor('endpoint.held', which, { count: apis.length });
    });
    expect(alerts).toEqual(new Set(['ManyEndpointsHeld']));
    isDown = false;
    await Promise.all(apis.map((api) => service.call('POST', `${pathOf(api)}/enable`)));
    await service.logs.waitFor('callback.delivered', which, { count: apis.length });
  }, 60_000);

  it('notice that many endpoints were disabled', async () => {
    receiver.respond('/gone', 410);
    const apis = await registerMany('/gone', 11);
    const alerts = await alertsAfter(async () => {
      await causeEach(apis);
      const which = { service_callback_url: receiver.url('/gone') };
      for (const event of ['endpoint.disabled', 'callback.not_retried'])
        await service.logs.waitFor(event, which, { count: apis.length });
    });
    // No 410 is retried.
    expect(alerts).toEqual(new Set(['EndpointsDisabled', 'NotRetriedRising']));
  });

  it('notice that an endpoint is about to be disabled', async () => {
    const { id, serviceId } = await register('/failing');
    await record(
      `INSERT INTO service_callback_endpoint_health
         (callback_api_id, service_id, failing_since, last_failure_at, last_failure, attempts_since_success)
       VALUES ($1, $2, now() - interval '3 days', now(), '503', 200)`,
      [id, serviceId],
    );
    const alerts = await alertsAfter(async () => {
      await service.app.get(EndpointReview).review();
      await service.logs.waitFor('endpoint.warned', { callback_api_id: id });
    });
    expect(alerts).toEqual(new Set(['EndpointAboutToBeDisabled']));
  });

  it('notice that the proxy does not respond', async () => {
    const api = await register('/behind-a-proxy');
    const alerts = await alertsAfter(async () => {
      await proxy.forwarder.down();
      const { id: callback_id } = await causeCallback(service, api.serviceId);
      await service.logs.waitFor('callback.deferred', { callback_id, error: 'platform_fault' });
    });
    await proxy.forwarder.up(proxy.port);
    expect(alerts).toEqual(new Set(['PlatformFault']));
    await service.call('DELETE', pathOf(api));
  });

  it('notice that the process lacks a key', async () => {
    const another = new PayloadCipher([`another:${Buffer.alloc(32, 8).toString('base64')}`]);
    const api = await register('/sealed');
    const alerts = await alertsAfter(async () => {
      const id = await enqueueAs(service, api.serviceId, RETRYING);
      await record('UPDATE service_callback_payloads SET payload = $2 WHERE id = $1', [
        id,
        another.encrypt('{}', payloadBinding(id)),
      ]);
      await record('UPDATE service_callbacks SET next_attempt_at = now() WHERE id = $1', [id]);
      await service.logs.waitFor('callback.deferred', { callback_id: id, error: 'unknown_encryption_key' });
    });
    expect(alerts).toEqual(new Set(['UnknownEncryptionKey']));
    await service.call('DELETE', pathOf(api));
  });

  it('notice that figures are dropped', async () => {
    const { serviceId } = await register('/uncounted');
    const alerts = await alertsAfter(async () => {
      await record('ALTER TABLE service_callback_minutes ADD CONSTRAINT refuses CHECK (false) NOT VALID');
      await causeCallback(service, serviceId);
      await service.logs.waitFor('figures.dropped');
    });
    await record('ALTER TABLE service_callback_minutes DROP CONSTRAINT refuses');
    expect(alerts).toEqual(new Set(['FiguresDropped']));
  });

  it('notice that statements wait for a connection of the pool', async () => {
    const [dataSource, pool] = [service.app.get(DataSource), watchPool(service)];
    const held = Array.from({ length: POOL_SIZE }, () => dataSource.createQueryRunner());
    await Promise.all(held.map((runner) => runner.connect()));
    const waits = createNotification(service, randomUUID());
    await eventually(async () => expect(pool.waiting).toBeGreaterThan(0));
    // What needs the database is left out of a scrape after two seconds.
    const [first, second] = await Promise.all([scrape(service), scrape(service)]);
    await Promise.all(held.map((runner) => runner.release()));
    await waits;
    const alerts = firing(new Scrapes().add(0, first).add(INTERVAL, second), INTERVAL);
    expect(alerts).toContain('PoolExhausted');
    await eventually(async () => expect(await isReady('database')).toBe('1'));
  }, 60_000);

  it('notice a worker whose clock is wrong', async () => {
    const clock = service.app.get(Clock);
    clock.now = () => Date.now() + 10_000;
    const alerts = await alertsAfter(() => eventually(async () => expect(await isReady('worker')).toBe('0')));
    Reflect.deleteProperty(clock, 'now');
    await eventually(async () => expect(await isReady('worker')).toBe('1'));
    expect(alerts).toEqual(new Set(['WorkerNotReady', 'NoWorker']));
  });

  it('notice an event loop that is blocked', async () => {
    await eventually(async () => {
      // No delay is measured before the first sample after a scrape, 100 ms later.
      await setTimeout(250);
      const until = performance.now() + 700;
      while (performance.now() < until);
      expect(firing(new Scrapes().add(0, await scrape(service)), 0)).toContain('EventLoopBlocked');
    });
  });

  it('notice that first attempts start late through a fault of this platform', async () => {
    const alerts = await alertsAfter(async () => {
      const { serviceId } = await register('/late');
      const id = await enqueueAs(service, serviceId, `queued_at = now() - interval '1 minute'`);
      await service.logs.waitFor('callback.delivered', { callback_id: id });
    });
    expect(alerts).toEqual(new Set(['ForwardedLate']));
  });

  it('notice that retries run out', async () => {
    receiver.respond('/broken', 500);
    const alerts = await alertsAfter(async () => {
      const { serviceId } = await register('/broken');
      const { id } = await causeCallback(service, serviceId);
      await service.logs.waitFor('callback.retries_exhausted', { callback_id: id });
    });
    expect(alerts).toEqual(new Set(['GivenUp']));
  });

  it('notice the first callback that is unreadable: its series exists from the start', async () => {
    const alerts = await alertsAfter(async () => {
      const { serviceId } = await register('/unreadable');
      const id = await enqueueAs(service, serviceId, RETRYING);
      await record(`UPDATE service_callback_payloads SET payload = 'altered' WHERE id = $1`, [id]);
      await record('UPDATE service_callbacks SET next_attempt_at = now() WHERE id = $1', [id]);
      await service.logs.waitFor('callback.unreadable', { callback_id: id });
    });
    expect(alerts).toEqual(new Set(['Unreadable']));
  });

  it('notice that the queue is unavailable, and that due callbacks do not move', async () => {
    const alerts = await alertsAfter(async () => {
      await queue.forwarder.down();
      await eventually(async () => expect(await isReady('queue')).toBe('0'));
      const { serviceId } = await register('/waits');
      const { id } = await causeCallback(service, serviceId);
      // From now on the relay takes nothing.
      await service.logs.waitFor('store.unavailable');
      const long = `now() - interval '5 minutes'`;
      await record(`UPDATE service_callbacks SET changed_at = ${long}, batched_at = ${long} WHERE id = $1`, [
        id,
      ]);
    });
    await queue.forwarder.up(queue.port);
    await eventually(async () => expect(await isReady('queue')).toBe('1'));
    expect(alerts).toContain('QueueNotReady');
    expect(alerts).toContain('NotMoving');
    expect(alerts).not.toContain('DatabaseNotReady');
    expect(alerts).not.toContain('GivenUp');
  }, 60_000);

  it('notice that the database is unavailable: what is unknown is absent and not 0', async () => {
    const alerts = await alertsAfter(async () => {
      await database.forwarder.down();
      await eventually(async () => expect(await isReady('database')).toBe('0'));
    });
    const text = await scrape(service);
    await database.forwarder.up(database.port);
    await eventually(async () => expect(await isReady('database')).toBe('1'));
    history.add((now += INTERVAL), await scrape(service));
    for (const gauge of ['oldest_due_seconds', 'disabled_endpoints', 'circuits'])
      expect(text).not.toMatch(new RegExp(`^service_callback_${gauge}\\b`, 'm'));
    expect(alerts).toContain('DatabaseNotReady');
    expect(alerts).toContain('Unknown');
    for (const receivers of ['GivenUp', 'NotRetriedRising', 'EndpointsDisabled', 'ForwardedLate'])
      expect(alerts).not.toContain(receivers);
  }, 60_000);

  it('notice that a process does not respond, and that no process runs', () => {
    for (const scrapes of [new Scrapes(), new Scrapes().add(0, undefined)])
      expect(firing(scrapes, 0)).toEqual(new Set(['Unknown', 'Down', 'NoWorker']));
  });

  it('have all fired above', () => {
    expect([...fired].toSorted()).toEqual(rules.map(shortName).toSorted());
  });

  it('name existing metrics, what to do, the urgency, and an entry of the runbook', async () => {
    for (const { expr, labels, annotations, alert } of rules) {
      for (const name of metricsIn(expr)) expect(history.query(name, now)).not.toEqual([]);
      expect(['page', 'ticket']).toContain(labels.severity);
      for (const text of [annotations.summary, annotations.description]) expect(text).toMatch(/^.{20,}/);
      const [file = '', anchor] = annotations.runbook_url?.split('#') ?? [];
      expect(anchor).toBe(alert.toLowerCase());
      expect(await anchorsOf(file)).toContain(anchor);
    }
  });

  it('have a dashboard whose panels show data, explain it, and link to the runbook', async () => {
    const anchors = await anchorsOf('docs/runbook.md');
    for (const { title, description, links, fieldConfig, targets } of await readPanels()) {
      for (const { expr } of targets) expect([title, expr, history.query(expr, now)]).not.toContainEqual([]);
      expect(description).toMatch(/.{20,}/);
      expect(fieldConfig.defaults.unit).toMatch(/./);
      const found = links?.map(({ url }) => /^\$\{runbook\}#(.+)$/.exec(url)?.[1]) ?? [];
      expect(found).toHaveLength(1);
      expect(anchors).toContain(found[0]);
    }
  });
});

describe('the evaluator of the rules', () => {
  const scrapes = new Scrapes()
    .add(0, 'a{x="1"} 10\na{x="2"} 1\ng 7\nh_bucket{le="1"} 0\nh_bucket{le="2"} 0\nh_bucket{le="+Inf"} 0')
    .add(60, 'a{x="1"} 4\na{x="2"} 3\nh_bucket{le="1"} 5\nh_bucket{le="2"} 10\nh_bucket{le="+Inf"} 10');
  it.each([
    ['sum(increase(a[5m]))', [6]],
    ['increase(a{x="1"}[5m]) > 4', []],
    ['rate(a{x=~"2|3"}[2m])', [2 / 120]],
    ['sum by (x) (a) * 2', [8, 6]],
    ['min(a{x!="1"})', [3]],
    ['g', []],
    ['absent(g) == 1', [1]],
    ['absent(a)', []],
    ['a{x!~"1|3"} and a > 3', []],
    ['a > 3 or absent(g)', [4, 1]],
    ['histogram_quantile(0.75, sum by (le) (increase(h_bucket[5m])))', [1.5]],
    ['sum(increase(a[1d] offset 1h)) / 24 or vector(0)', [0]],
    ['1 + 2 * a{x="2"}', [7]],
    ['min_over_time(a{x="2"}[2m])', [1]],
    ['up{job="service-callbacks"} == 1', [1]],
  ])('evaluates %s as Prometheus does', (expression, expected) => {
    expect(scrapes.query(expression, 60).map(({ value }) => value)).toEqual(expected);
  });

  it.each([
    ['sum(a', 'No PromQL'],
    ['max(a) - 1 > 0', 'Not known here: -'],
  ])('refuses %s', (expression, why) => {
    expect(() => scrapes.query(expression, 60)).toThrow(why);
  });
});
