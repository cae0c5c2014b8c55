import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { defineCallbackType, type SendResult } from 'service-callbacks';
import type { DataSource, EntityManager } from 'typeorm';
import {
  InvalidSubjectError,
  UnknownCallbackTypeError,
  UnsendablePayloadError,
} from '../../src/service-callbacks/callback-types/errors.js';
import { payloadBinding } from '../../src/service-callbacks/callbacks/callback.js';
import { FigureFlusher } from '../../src/service-callbacks/figures/figure-flusher.js';
import { Maintenance } from '../../src/service-callbacks/operations/maintenance.js';
import { Clock } from '../../src/service-callbacks/clock.js';
import { Holds } from '../../src/service-callbacks/holds/holds.js';
import { Relay } from '../../src/service-callbacks/relay/relay.js';
import { SafetySweep } from '../../src/service-callbacks/relay/safety-sweep.js';
import { PayloadCipher } from '../../src/service-callbacks/security/payload-cipher.js';
import { aComplaint } from '../support/builders/a-complaint.js';
import { aNotification } from '../support/builders/a-notification.js';
import { aReturnedLetter } from '../support/builders/a-returned-letter.js';
import { anInboundSms } from '../support/builders/an-inbound-sms.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { startHost, type Host } from '../support/host.js';
import { query } from '../support/sql.js';

interface Order {
  readonly serviceId: string;
  readonly order: string;
  /** Whatever `payload()` returns. */
  readonly makes: unknown;
  readonly news?: string;
}

/** The test decides its payload. */
const orderPaid = defineCallbackType<Order>({
  type: 'order_paid',
  identify: ({ serviceId, order, news }) => ({
    serviceId,
    subjectId: order,
    ...(news !== undefined && { news }),
  }),
  payload: ({ makes }) =>
    (typeof makes === 'function' ? (makes as () => unknown)() : makes) as Record<string, unknown>,
});

const URL_OF_ALL = 'http://127.0.0.1/callbacks';

describe('the producer', () => {
  let database: TestDatabase;
  let host: Host;

  beforeAll(async () => {
    database = await createTestDatabase();
    host = await startHost(database.url, { callbackTypes: [orderPaid] });
    // Without a relay: callbacks stay pending, and only the producer's statements are counted.
    await host.app.get(Relay, { strict: false }).onModuleDestroy();
    for (const part of [SafetySweep, Maintenance, Holds, FigureFlusher])
      await host.app.get<Holds>(part, { strict: false }).beforeApplicationShutdown();
  });

  afterAll(async () => {
    await host.close();
    await database.drop();
  });

  async function register(callbackType: string, serviceId = randomUUID()) {
    const bearerToken = `token of ${serviceId}`;
    const { id } = await host.callbackApis.create({
      serviceId,
      callbackType,
      url: URL_OF_ALL,
      bearerToken,
      updatedById: 'somebody',
    });
    return { id, serviceId, bearerToken };
  }

  const recordsOf = (serviceId: string) =>
    query<{
      id: string;
      state: string;
      subject_id: string;
      endpoint_id: string;
      payload: string;
      seq: number;
    }>(
      database.url,
      `SELECT c.*, c.seq::int AS seq, p.payload FROM service_callbacks c
       JOIN service_callback_payloads p ON p.id = c.id WHERE service_id = $1 ORDER BY c.seq`,
      [serviceId],
    );

  const textOf = ({ id, payload }: { readonly id: string; readonly payload: string }) =>
    host.app.get(PayloadCipher, { strict: false }).decrypt(payload, payloadBinding(id));

  /** @returns how many statements `work` made on the host's `DataSource`. */
  async function statementsOf<T>(
    work: () => Promise<T>,
  ): Promise<{ readonly result: T; readonly count: number }> {
    const before = host.statements.length;
    const result = await work();
    return { result, count: host.statements.length - before };
  }

  const idOf = (result: SendResult | undefined): string => {
    if (result?.queued !== true) throw new Error(`not queued: ${JSON.stringify(result)}`);
    return result.id;
  };

  describe('says why nothing is queued', () => {
    const notification = (overrides: Parameters<typeof aNotification>[0]) => (serviceId: string) =>
      host.producer.sendDeliveryStatus(aNotification({ serviceId, ...overrides }));
    const cases: readonly [string, (serviceId: string) => Promise<SendResult>, string][] = [
      ['no callback API', notification({ serviceId: randomUUID() }), 'no_callback_api'],
      [
        'one of another type only',
        (serviceId) => host.producer.sendComplaint(aComplaint({ serviceId })),
        'no_callback_api',
      ],
      [
        'the same for inbound texts',
        (serviceId) => host.producer.sendInboundSms(anInboundSms({ serviceId })),
        'no_callback_api',
      ],
      [
        'the same for returned letters',
        (serviceId) => host.producer.sendReturnedLetter(aReturnedLetter({ serviceId })),
        'no_callback_api',
      ],
      ['a letter', notification({ notificationType: 'letter' }), 'letter'],
      ['created', notification({ status: 'created' }), 'not_final'],
      ['sending', notification({ status: 'sending' }), 'not_final'],
      ['pending', notification({ status: 'pending', sentAt: null }), 'not_final'],
      [
        'a letter that is still on its way',
        notification({ status: 'sending', notificationType: 'letter' }),
        'not_final',
      ],
      [
        'a letter of a service that has no callback API',
        notification({ serviceId: randomUUID(), notificationType: 'letter' }),
        'letter',
      ],
    ];

    it.each(cases)('%s', async (_, send, reason) => {
      const { serviceId } = await register('delivery_status');
      expect(await send(serviceId)).toEqual({ queued: false, reason });
      expect(await recordsOf(serviceId)).toEqual([]);
    });
  });

  it.each(['sent', 'delivered', 'permanent-failure', 'temporary-failure', 'technical-failure'] as const)(
    'queues %s',
    async (status) => {
      const { serviceId, id: endpointId } = await register('delivery_status');
      const notification = aNotification({ serviceId, status });
      const id = idOf(await host.producer.sendDeliveryStatus(notification));
      expect(await recordsOf(serviceId)).toMatchObject([
        { id, state: 'pending', subject_id: notification.id, endpoint_id: endpointId },
      ]);
    },
  );

  it('makes ids that begin with their time', async () => {
    const { serviceId } = await register('delivery_status');
    const before = Date.now();
    const id = idOf(await host.producer.sendDeliveryStatus(aNotification({ serviceId })));
    const time = Number.parseInt(id.replace('-', '').slice(0, 12), 16);
    expect(id[14]).toBe('7');
    expect(time).toBeGreaterThanOrEqual(before);
    expect(time).toBeLessThanOrEqual(Date.now());
  });

  it('rejects an unknown type, and names the known types', async () => {
    const sent = host.producer.send('birthday', {});
    await expect(sent).rejects.toThrow(UnknownCallbackTypeError);
    await expect(sent).rejects.toThrow(
      /birthday.*delivery_status, complaint, inbound_sms, returned_letter.*order_paid/,
    );
  });

  it('stores neither a token nor a recipient in clear', async () => {
    const { serviceId, bearerToken } = await register('delivery_status');
    const notification = aNotification({ serviceId });
    await host.producer.sendDeliveryStatus(notification);
    const [record] = await recordsOf(serviceId);
    for (const secret of [bearerToken, notification.to, 'order-17'])
      expect(JSON.stringify(record)).not.toContain(secret);
    expect(JSON.parse(textOf(record ?? { id: '', payload: '' }))).toMatchObject({
      id: notification.id,
      to: notification.to,
    });
  });

  describe('of the same news', () => {
    it('makes one callback, and returns its id; other news of the same subject is another callback', async () => {
      const { serviceId } = await register('delivery_status');
      const notification = aNotification({ serviceId, status: 'sent' });
      const id = idOf(await host.producer.sendDeliveryStatus(notification));
      const again = await Promise.all(
        Array.from({ length: 5 }, () => host.producer.sendDeliveryStatus(notification)),
      );
      expect(again).toEqual(Array.from({ length: 5 }, () => ({ queued: false, reason: 'duplicate', id })));
      const later = idOf(await host.producer.sendDeliveryStatus({ ...notification, status: 'delivered' }));
      expect((await recordsOf(serviceId)).map((record) => record.id)).toEqual([id, later]);
    });

    it('sent by many at the same moment makes one callback', async () => {
      const { serviceId } = await register('delivery_status');
      const notification = aNotification({ serviceId });
      const results = await Promise.all(
        Array.from({ length: 12 }, () => host.producer.sendDeliveryStatus(notification)),
      );
      const queued = results.filter((result) => result.queued);
      expect(queued).toHaveLength(1);
      const id = idOf(queued[0]);
      expect(results.filter((result) => !result.queued)).toEqual(
        Array.from({ length: 11 }, () => ({ queued: false, reason: 'duplicate', id })),
      );
      expect(await recordsOf(serviceId)).toHaveLength(1);
    });

    it('twice in one call makes one callback, and reports the duplicate in order', async () => {
      const { serviceId } = await register('delivery_status');
      const [one, other] = [aNotification({ serviceId }), aNotification({ serviceId })];
      const results = await host.producer.sendMany('delivery_status', [one, other, one, one]);
      const [first, second] = [idOf(results[0]), idOf(results[1])];
      expect(results.slice(2)).toEqual(
        Array.from({ length: 2 }, () => ({ queued: false, reason: 'duplicate', id: first })),
      );
      expect((await recordsOf(serviceId)).map(({ id }) => id).toSorted()).toEqual([first, second].toSorted());
    });

    it('twice in one transaction makes one callback', async () => {
      const { serviceId } = await register('delivery_status');
      const notification = aNotification({ serviceId });
      const results = await host.dataSource.transaction(async (manager) => [
        await host.producer.sendDeliveryStatus(notification, { manager }),
        await host.producer.sendDeliveryStatus(notification, { manager }),
      ]);
      const id = idOf(results[0]);
      expect(results[1]).toEqual({ queued: false, reason: 'duplicate', id });
      expect(await recordsOf(serviceId)).toHaveLength(1);
    });

    it.each([
      ['commits', true],
      ['is rolled back', false],
    ])('in two transactions: the second waits until the first %s', async (_, commits) => {
      const { serviceId } = await register('delivery_status');
      const notification = aNotification({ serviceId });
      const first = host.dataSource.createQueryRunner();
      await first.startTransaction();
      const id = idOf(await host.producer.sendDeliveryStatus(notification, { manager: first.manager }));
      const second = host.dataSource.transaction((manager) =>
        host.producer.sendDeliveryStatus(notification, { manager }),
      );
      await eventually(async () => expect(await waitingForALock(host.dataSource)).toBe(1));
      await (commits ? first.commitTransaction() : first.rollbackTransaction());
      await first.release();
      const sent = await second;
      expect({ queued: sent.queued, isTheSame: 'id' in sent && sent.id === id }).toEqual({
        queued: !commits,
        isTheSame: commits,
      });
      expect(await recordsOf(serviceId)).toHaveLength(1);
    });

    it('to another endpoint is another callback', async () => {
      const { serviceId, id } = await register('delivery_status');
      const notification = aNotification({ serviceId });
      const first = idOf(await host.producer.sendDeliveryStatus(notification));
      await host.callbackApis.remove(serviceId, id);
      await register('delivery_status', serviceId);
      expect(idOf(await host.producer.sendDeliveryStatus(notification))).not.toBe(first);
    });

    it('is identified by its payload if the type has no news: a refund is not the payment', async () => {
      const { serviceId } = await register('order_paid');
      const send = (makes: unknown) => host.producer.send(orderPaid, { serviceId, order: '17', makes });
      const paid = idOf(await send({ status: 'paid' }));
      const refunded = idOf(await send({ status: 'refunded' }));
      expect(await send({ status: 'paid' })).toEqual({ queued: false, reason: 'duplicate', id: paid });
      expect((await recordsOf(serviceId)).map(textOf)).toEqual([
        '{"status":"paid"}',
        '{"status":"refunded"}',
      ]);
      expect(refunded).not.toBe(paid);
    });

    it('is identified by its separate parts, whatever they contain', async () => {
      const { serviceId } = await register('order_paid');
      const send = (order: string, news: string) =>
        host.producer.send(orderPaid, { serviceId, order, news, makes: {} });
      const ids = [
        idOf(await send('1', '2","3')),
        idOf(await send('1', '2')),
        idOf(await send('12', '3')),
        idOf(await send('1', '23')),
      ];
      expect(new Set(ids).size).toBe(4);
    });

    it('is a new callback once its idempotency window is over', async () => {
      const { serviceId } = await register('delivery_status');
      const notification = aNotification({ serviceId });
      const id = idOf(await host.producer.sendDeliveryStatus(notification));
      await query(database.url, 'DELETE FROM service_callback_news WHERE callback_id = $1', [id]);
      expect(idOf(await host.producer.sendDeliveryStatus(notification))).not.toBe(id);
    });
  });

  describe('rejects what cannot be sent, by name, and queues nothing', () => {
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    const throwing = {
      get total(): number {
        throw new Error('no total yet');
      },
    };

    it.each<[string, unknown, RegExp]>([
      ['undefined', undefined, /is undefined/],
      ['null', null, /is null/],
      ['an array', [1], /is an array/],
      ['a text', 'paid', /is a string/],
      ['a BigInt', { total: 7n }, /a BigInt at "total"/],
      ['a cycle', cycle, /circular/],
      ['a throwing getter', throwing, /no total yet/],
      ['an own key __proto__', JSON.parse('{"__proto__":1}'), /own key "__proto__"/],
    ])('%s', async (_, makes, problem) => {
      const { serviceId } = await register('order_paid');
      const bad = { serviceId, order: 'bad', makes: () => makes };
      const good = { serviceId, order: 'good', makes: {} };
      for (const inputs of [[bad], [good, bad, good]]) {
        const sent = host.producer.sendMany(orderPaid, inputs);
        await expect(sent).rejects.toThrow(UnsendablePayloadError);
        await expect(sent).rejects.toThrow(problem);
        await expect(sent).rejects.toThrow(/order_paid/);
      }
      expect(await recordsOf(serviceId)).toEqual([]);
    });

    it('and leaves the caller’s transaction usable', async () => {
      const { serviceId } = await register('order_paid');
      await host.dataSource.transaction(async (manager) => {
        const bad = host.producer.send(orderPaid, { serviceId, order: '1', makes: null }, { manager });
        await expect(bad).rejects.toThrow(UnsendablePayloadError);
        idOf(await host.producer.send(orderPaid, { serviceId, order: '1', makes: {} }, { manager }));
      });
      expect(await recordsOf(serviceId)).toHaveLength(1);
    });
  });

  it('writes U+FFFD for half of a surrogate pair, and NUL as it is', async () => {
    const { serviceId } = await register('order_paid');
    await host.producer.send(orderPaid, { serviceId, order: '1', makes: { note: 'a\ud800b', nul: '\0' } });
    expect((await recordsOf(serviceId)).map(textOf)).toEqual(['{"note":"a\ufffdb","nul":"\\u0000"}']);
  });

  it('accepts a subject of any letters', async () => {
    const { serviceId } = await register('order_paid');
    const order = `ü'"\\ 🙏 ${'x'.repeat(245)}`;
    idOf(await host.producer.send(orderPaid, { serviceId, order, makes: {} }));
    expect((await recordsOf(serviceId))[0]?.subject_id).toBe(order);
  });

  it('writes U+FFFD for half of a surrogate pair in a subject', async () => {
    const { serviceId } = await register('order_paid');
    idOf(await host.producer.send(orderPaid, { serviceId, order: 'a\ud800b', makes: {} }));
    expect((await recordsOf(serviceId))[0]?.subject_id).toBe('a\ufffdb');
  });

  it.each(['', 'a\0b', 'x'.repeat(256)])(
    'rejects %j as a service or subject, before anything is read',
    async (id) => {
      const { serviceId } = await register('order_paid');
      await host.dataSource.transaction(async (manager) => {
        for (const input of [
          { serviceId, order: id, makes: {} },
          { serviceId: id, order: '17', makes: {} },
        ]) {
          const refused = await statementsOf(() =>
            expect(host.producer.send(orderPaid, input, { manager })).rejects.toThrow(InvalidSubjectError),
          );
          expect(refused.count).toBe(0);
        }
      });
      expect(await recordsOf(serviceId)).toEqual([]);
    },
  );

  describe('makes', () => {
    it('two statements to send one, in a transaction of the caller’s or without one', async () => {
      const { serviceId } = await register('delivery_status');
      const send = (manager?: EntityManager) => () =>
        host.producer.sendDeliveryStatus(aNotification({ serviceId }), manager && { manager });
      expect((await statementsOf(send())).count).toBe(2);
      await host.dataSource.transaction(async (manager) => {
        expect((await statementsOf(send(manager))).count).toBe(2);
      });
    });

    it('two statements for a duplicate, one without an endpoint, none without news', async () => {
      const { serviceId } = await register('delivery_status');
      const notification = aNotification({ serviceId });
      const send = (overrides: object = {}) =>
        statementsOf(() => host.producer.sendDeliveryStatus({ ...notification, ...overrides }));
      await send();
      expect(await send()).toMatchObject({ count: 2, result: { reason: 'duplicate' } });
      expect(await send({ serviceId: randomUUID() })).toMatchObject({ count: 1, result: { queued: false } });
      expect(await send({ status: 'sending' })).toMatchObject({ count: 0, result: { queued: false } });
    });

    it('one lookup and one insert a thousand for many, and returns the result of each', async () => {
      const services = [await register('delivery_status'), await register('delivery_status')];
      const inputs = Array.from({ length: 2_500 }, (_, index) =>
        aNotification({
          serviceId: index % 100 === 7 ? randomUUID() : (services[index % 2]?.serviceId ?? ''),
          ...(index % 100 === 8 && { status: 'sending' as const }),
        }),
      );
      const { result, count } = await statementsOf(() => host.producer.sendMany('delivery_status', inputs));
      expect(count).toBe(4);
      expect(result).toHaveLength(2_500);
      const expected = (index: number) => {
        if (index % 100 === 7) return { queued: false, reason: 'no_callback_api' };
        if (index % 100 === 8) return { queued: false, reason: 'not_final' };
        return { queued: true, id: expect.any(String) };
      };
      expect(result).toEqual(inputs.map((_, index) => expected(index)));
      const records = (await Promise.all(services.map(({ serviceId }) => recordsOf(serviceId)))).flat();
      expect(records).toHaveLength(2_450);
      const subjects = new Map(records.map(({ id, subject_id: subject }) => [id, subject]));
      const misplaced = result.filter(
        (one, index) => one.queued && subjects.get(one.id) !== inputs[index]?.id,
      );
      expect(misplaced).toEqual([]);
    });

    it('no statement for an empty list', async () => {
      expect(await statementsOf(() => host.producer.sendMany('delivery_status', []))).toEqual({
        result: [],
        count: 0,
      });
    });
  });

  it('gives callbacks of a service that sends much a lower priority', async () => {
    const [flood, quiet] = [await register('delivery_status'), await register('delivery_status')];
    await host.producer.sendMany(
      'delivery_status',
      Array.from({ length: 300 }, () => aNotification({ serviceId: flood.serviceId })),
    );
    await host.producer.sendDeliveryStatus(aNotification({ serviceId: quiet.serviceId }));
    const priorities = (serviceId: string) =>
      query<{ priority: number }>(
        database.url,
        'SELECT max(priority)::int AS priority FROM service_callbacks WHERE service_id = $1',
        [serviceId],
      );
    expect(await priorities(quiet.serviceId)).toEqual([{ priority: 1 }]);
    expect((await priorities(flood.serviceId))[0]?.priority).toBeGreaterThanOrEqual(8);
  });

  it('does not wait for the queue, whose table may be missing', async () => {
    const { serviceId } = await register('delivery_status');
    await query(database.url, 'ALTER TABLE bullmq.job RENAME TO job_elsewhere');
    try {
      expect(await host.producer.sendDeliveryStatus(aNotification({ serviceId }))).toMatchObject({
        queued: true,
      });
    } finally {
      await query(database.url, 'ALTER TABLE bullmq.job_elsewhere RENAME TO job');
    }
  });

  it('takes the time of acceptance from its clock', async () => {
    const { serviceId } = await register('delivery_status');
    const clock = host.app.get(Clock, { strict: false });
    const now = clock.now.bind(clock);
    clock.now = () => Date.parse('2026-03-01T12:00:00.123Z');
    try {
      await host.producer.sendDeliveryStatus(aNotification({ serviceId }));
    } finally {
      clock.now = now;
    }
    const times = await query<{ queued_at: Date }>(
      database.url,
      'SELECT queued_at FROM service_callbacks WHERE service_id = $1',
      [serviceId],
    );
    expect(times).toEqual([{ queued_at: new Date('2026-03-01T12:00:00.123Z') }]);
  });
});

async function waitingForALock(dataSource: DataSource): Promise<number> {
  const waiting = await dataSource.query<unknown[]>(
    `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  );
  return waiting.length;
}
