import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { startDnsServer, type DnsAnswer, type DnsScript, type DnsServer } from '../support/dns-server.js';
import { startTcpServer, type TcpServer } from '../support/receiver.js';
import {
  causeCallback,
  createNotification,
  registerCallbackApi,
  sendCallbackTo,
  sendReceipt,
} from '../support/scenario.js';
import { startTestService, type TestService } from '../support/service.js';

/** Plays the public address, so that no packet leaves this machine: the one exempt from the rule. */
const PUBLIC = '127.0.0.2';
const PUBLIC_A = { a: PUBLIC };
const LOOPBACK_A = { a: '127.0.0.1' };

/** Longer than everything below takes: names that hang, hang until they are let go. */
const TIMEOUT_MS = 25_000;
const HANGING_NAMES = 200;

const perFamily =
  (ipv4: DnsAnswer, ipv6: DnsAnswer = []): DnsScript =>
  ({ type }) =>
    type === 'A' ? ipv4 : ipv6;

/**
 * The real service, a name server that lies, and a listener on each loopback address that no callback may reach. Its
 * port is listed, so that only the rule about addresses stands in the way.
 */
describe('names that a stranger controls', () => {
  let database: TestDatabase;
  let dns: DnsServer;
  let endpoint: TcpServer;
  let canaries: readonly TcpServer[];
  let service: TestService;

  const urlOf = (name: string, path = '/') => `http://${name}:${endpoint.port}${path}`;

  beforeAll(async () => {
    database = await createTestDatabase();
    dns = await startDnsServer();
    endpoint = await startTcpServer({
      host: PUBLIC,
      onData: (socket, data) =>
        socket.end(data.includes('POST /redirect') ? redirectTo('http://127.0.0.1') : OK_RESPONSE),
    });
    canaries = [
      await startTcpServer({ port: endpoint.port }),
      await startTcpServer({ host: '::1', port: endpoint.port }),
    ];
    service = await startTestService(database.url, {
      CALLBACK_DNS_SERVERS: dns.address,
      CALLBACK_ALLOWED_NETWORKS: `${PUBLIC}/32`,
      CALLBACK_ALLOWED_PORTS: String(endpoint.port),
      CALLBACK_MAX_RETRIES: '1',
      CALLBACK_TIMEOUT_MS: String(TIMEOUT_MS),
    });
  });

  afterAll(async () => {
    await service.stop();
    await Promise.all([endpoint, ...canaries].map((server) => server.close()));
    await dns.close();
    await database.drop();
  });

  const redirectTo = (origin: string) =>
    `HTTP/1.1 307 Elsewhere\r\nlocation: ${origin}:${endpoint.port}/\r\nconnection: close\r\n\r\n`;

  function expectNoPacketOnLoopback(): void {
    expect(canaries.map(({ sockets }) => sockets.accepted)).toEqual([0, 0]);
  }

  it('are called at their address', async () => {
    dns.respond('honest.example', perFamily([PUBLIC_A]));

    const { id } = await sendCallbackTo(service, urlOf('honest.example'));

    expect(await service.logs.waitForEnd(id)).toMatchObject({ event: 'callback.delivered' });
    expectNoPacketOnLoopback();
  });

  it.each<[string, DnsScript]>([
    ['loopback', perFamily([LOOPBACK_A])],
    ['public and loopback', perFamily([PUBLIC_A, LOOPBACK_A])],
    ['loopback and public', perFamily([LOOPBACK_A, PUBLIC_A])],
    ['public, and ::1 for AAAA', perFamily([PUBLIC_A], [{ aaaa: '::1' }])],
    ['public, and IPv4-mapped loopback for AAAA', perFamily([PUBLIC_A], [{ aaaa: '::ffff:7f00:1' }])],
    ['nothing, and IPv4-mapped loopback for AAAA', perFamily([], [{ aaaa: '::ffff:7f00:1' }])],
    ['nothing, and NAT64 of loopback for AAAA', perFamily([], [{ aaaa: '64:ff9b::7f00:1' }])],
    ['cloud metadata', perFamily([{ a: '169.254.169.254' }])],
    ['unspecified', perFamily([{ a: '0.0.0.0' }], [{ aaaa: '::' }])],
    [
      'a public name that is another name for loopback',
      ({ name, type }) =>
        type === 'A'
          ? [
              { name, cname: 'a.public.example' },
              { name: 'a.public.example', cname: 'b.public.example' },
              { name: 'b.public.example', ...LOOPBACK_A },
            ]
          : [],
    ],
    [
      'a public name with a public address, and loopback under its other name',
      ({ name, type }) =>
        type === 'A'
          ? [
              { name, ...PUBLIC_A },
              { name, cname: 'c.public.example' },
              { name: 'c.public.example', ...LOOPBACK_A },
            ]
          : [],
    ],
  ])('are refused if they resolve to %s', async (what, script) => {
    const name = `${what.replace(/\W+/g, '-').toLowerCase()}.rebind.example`.slice(-60);
    dns.respond(name, script);

    const { id } = await sendCallbackTo(service, urlOf(name));

    expect(await service.logs.waitForEnd(id)).toMatchObject({
      event: 'callback.not_retried',
      error: 'address_not_allowed',
      attempt: 1,
    });
    expectNoPacketOnLoopback();
  });

  it('are resolved once per connection, and called at that address: TTL 0, then loopback', async () => {
    dns.respond('turncoat.example', ({ type }, earlier) => {
      if (type === 'AAAA') return [];
      return earlier === 0 ? [PUBLIC_A] : [LOOPBACK_A];
    });
    const { serviceId } = await registerCallbackApi(service, { url: urlOf('turncoat.example') });
    const before = endpoint.sockets.accepted;

    const first = await causeCallback(service, serviceId);
    expect(await service.logs.waitForEnd(first.id)).toMatchObject({ event: 'callback.delivered' });
    expect(endpoint.sockets.accepted).toBe(before + 1);
    expect(dns.questions.filter(({ name }) => name === 'turncoat.example')).toHaveLength(2);

    const second = await causeCallback(service, serviceId);
    expect(await service.logs.waitForEnd(second.id)).toMatchObject({ error: 'address_not_allowed' });
    expect(endpoint.sockets.accepted).toBe(before + 1);
    expectNoPacketOnLoopback();
  });

  it('that do not exist at first are refused if they are loopback later', async () => {
    dns.respond('reborn.example', ({ type }, earlier) => {
      if (earlier === 0) return 'nxdomain';
      return type === 'A' ? [LOOPBACK_A] : [];
    });

    const { id } = await sendCallbackTo(service, urlOf('reborn.example'));

    expect(await service.logs.waitForEnd(id)).toMatchObject({ attempt: 2, error: 'address_not_allowed' });
    expect(service.logs.events('callback.retrying', { callback_id: id })).toEqual([
      expect.objectContaining({ error: 'dns_failure' }),
    ]);
    expectNoPacketOnLoopback();
  });

  it.each<[string, DnsScript]>([
    [
      'go round in a circle of other names',
      ({ name }) => [
        { name, cname: 'other.loop.example' },
        { name: 'other.loop.example', cname: name },
      ],
    ],
    ['have another name and no address', ({ name }) => [{ name, cname: 'nowhere.example' }]],
    ['do not exist', () => 'nxdomain'],
    ['fail', () => 'servfail'],
  ])('have no address if they %s', async (what, script) => {
    const name = `${what.replace(/\W+/g, '-')}.example`;
    dns.respond(name, script);

    const { id } = await sendCallbackTo(service, urlOf(name));

    expect(await service.logs.waitForEnd(id)).toMatchObject({
      event: 'callback.retries_exhausted',
      error: 'dns_failure',
    });
    expectNoPacketOnLoopback();
  });

  it('cannot redirect to another address', async () => {
    dns.respond('redirecting.example', perFamily([PUBLIC_A]));

    const { id } = await sendCallbackTo(service, urlOf('redirecting.example', '/redirect'));

    expect(await service.logs.waitForEnd(id)).toMatchObject({
      event: 'callback.not_retried',
      status_code: 307,
    });
    expectNoPacketOnLoopback();
  });

  it(`delay no other name while the name servers of ${HANGING_NAMES} never respond`, async () => {
    const pending = Promise.withResolvers<DnsAnswer>();
    dns.respond('*.hanging.example', () => pending.promise);
    dns.respond('healthy.example', perFamily([PUBLIC_A]));
    const { serviceId } = await registerCallbackApi(service, { url: urlOf('healthy.example') });

    const notifications = await eightAtATime(HANGING_NAMES, async (index) => {
      const url = urlOf(`n${index}.hanging.example`);
      const api = await registerCallbackApi(service, { url });
      return createNotification(service, api.serviceId);
    });
    // All at once from here: the first must still hang during the last.
    const hanging = await eightAtATime(HANGING_NAMES, async (index) => {
      const { callback } = await sendReceipt(service, notifications[index]?.id ?? '');
      return callback.queued ? callback.id : '';
    });
    await untilQueried(dns, HANGING_NAMES);

    const healthy = await causeCallback(service, serviceId);
    const delivered = await service.logs.waitForEnd(healthy.id);

    const over = service.logs.lines.filter(
      ({ event, ...line }) => event !== 'callback.queued' && hanging.includes(String(line['callback_id'])),
    );
    expect(over).toEqual([]);
    expect(delivered).toMatchObject({ event: 'callback.delivered', attempt: 1 });
    // 5 ms on an idle machine.
    expect(delivered['duration_ms']).toBeLessThan(1_000);
    pending.resolve('servfail');
  }, 90_000);
});

const OK_RESPONSE = 'HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n';

async function eightAtATime<T>(count: number, work: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const takeTurns = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) results[index] = await work(index);
  };
  await Promise.all(Array.from({ length: 8 }, takeTurns));
  return results;
}

async function untilQueried(dns: DnsServer, names: number): Promise<void> {
  const queried = () =>
    new Set(dns.questions.map(({ name }) => name).filter((name) => name.includes('hanging')));
  await dns.until(() => queried().size >= names);
}
