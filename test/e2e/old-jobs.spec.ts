import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MAIN_QUEUE } from '../../src/service-callbacks/queues/queue-names.js';
import { payloadBinding } from '../../src/service-callbacks/callbacks/callback.js';
import { PayloadCipher } from '../../src/service-callbacks/security/payload-cipher.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { givenUpRows } from '../support/given-up.js';
import { FAST_LOCKS } from '../support/faults/service-process.js';
import { jobHistory, allFinished, queueOf } from '../support/queue-state.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import {
  causeCallback,
  createNotification,
  registerCallbackApi,
  type NotificationView,
  type RegisteredCallbackApi,
} from '../support/scenario.js';
import { query } from '../support/sql.js';
import { startTestService, type TestService } from '../support/service.js';

/** The body's keys in their order. */
const KEYS = [
  'id',
  'reference',
  'to',
  'status',
  'created_at',
  'completed_at',
  'sent_at',
  'notification_type',
  'template_id',
  'template_version',
];

describe('jobs of other releases', () => {
  let database: TestDatabase;
  let receiver: Receiver;
  let service: TestService;
  let api: RegisteredCallbackApi;
  let notification: NotificationView;

  beforeAll(async () => {
    database = await createTestDatabase();
    receiver = await startReceiver();
    service = await startTestService(database.url, FAST_LOCKS);
    api = await registerCallbackApi(service, { url: receiver.url('/callbacks') });
    notification = await createNotification(service, api.serviceId, {
      status: 'delivered',
      reference: 'order-17',
    });
  });

  afterAll(async () => {
    await service.stop();
    await receiver.close();
    await database.drop();
  });

  async function add(name: string, data: unknown): Promise<string> {
    const job = await queueOf(service, MAIN_QUEUE).add(name, data);
    return job.id ?? '';
  }

  function oldShape(notificationId: string, serviceId = api.serviceId) {
    return { notification_id: notificationId, service_id: serviceId };
  }

  /** A job with a payload, as a producer of this release writes it, except for the overrides. */
  function newShape({ payload = {}, document = {}, job = {} }: NewShape = {}) {
    const id = randomUUID();
    const contents = { v: 1, url: api.url, bearer_token: api.bearerToken, payload, ...document };
    return {
      v: 1,
      callback_id: id,
      service_id: api.serviceId,
      callback_type: 'delivery_status',
      callback_api_id: api.id,
      subject_id: notification.id,
      queued_at: Date.now(),
      generation: 0,
      attempts: [],
      document: service.app.get(PayloadCipher).encrypt(JSON.stringify(contents), payloadBinding(id)),
      ...job,
    };
  }

  interface NewShape {
    readonly payload?: Readonly<Record<string, unknown>>;
    readonly document?: Readonly<Record<string, unknown>>;
    readonly job?: Readonly<Record<string, unknown>>;
  }

  async function requestOf(id: string) {
    await service.logs.waitFor('callback.delivered', { callback_id: id });
    const requests = receiver.requests.filter(({ headers }) => headers['webhook-id'] === id);
    expect(requests).toHaveLength(1);
    return {
      headers: requests[0]?.headers,
      body: JSON.parse(requests[0]?.body ?? '') as Record<string, unknown>,
    };
  }

  it('completes a job of the old shape from the database, and sends the same job once', async () => {
    await add('delivery_status', oldShape(notification.id));
    await add('delivery_status', oldShape(notification.id));

    const [line] = await service.logs.waitFor('callback.delivered', { notification_id: notification.id });
    await allFinished(service);
    const { headers, body } = await requestOf(String(line?.['callback_id']));
    expect(headers).toMatchObject({ authorization: `Bearer ${api.bearerToken}` });
    expect(Object.keys(body)).toEqual(KEYS);
    expect(body).toMatchObject({
      id: notification.id,
      reference: 'order-17',
      status: 'delivered',
      template_version: 3,
    });
    expect(receiver.requests).toHaveLength(1);
  });

  it('keeps a job of the old shape while the database is unavailable, and logs an error', async () => {
    const old = await createNotification(service, api.serviceId, { status: 'delivered' });
    await query(database.url, 'ALTER TABLE notifications RENAME TO notifications_away');
    const jobId = await add('delivery_status', oldShape(old.id));
    const [line] = await service.logs.waitFor('job.postponed', { job_id: jobId });
    expect(line).toMatchObject({ level: 50, err: { message: expect.stringContaining('notifications') } });
    await query(database.url, 'ALTER TABLE notifications_away RENAME TO notifications');
    await service.logs.waitFor('callback.delivered', { notification_id: old.id });
    await allFinished(service);
  });

  it('completes a payload that was written before a field existed', async () => {
    const payload = {
      id: notification.id,
      reference: 'as it was then',
      to: 'recipient@example.com',
      status: 'delivered',
    };
    const job = newShape({ payload });
    await add('delivery_status', job);

    const { body } = await requestOf(job.callback_id);
    expect(Object.keys(body)).toEqual(KEYS);
    expect(body).toMatchObject({ ...payload, template_id: notification['template_id'], template_version: 3 });
  });

  it('delivers a payload of a newer release, with its unknown fields', async () => {
    const payload = { id: 'x', template_id: 'y', template_version: 4, a_later_field: ['z'] };
    const job = newShape({
      payload,
      document: { v: 2, signing_secret: 'from the future' },
      job: { v: 2, priority_class: 'urgent' },
    });
    await add('delivery_status', job);

    expect((await requestOf(job.callback_id)).body).toEqual(payload);
  });

  /** No detail: that the endpoint is deleted says everything. */
  const NOTHING = /^undefined$/;
  const poison: readonly [string, () => Promise<[string, unknown]>, string, RegExp][] = [
    [
      'not an object',
      async () => ['delivery_status', 'just text'],
      'unreadable',
      /no known shape: data invalid_type/,
    ],
    ['null', async () => ['delivery_status', null], 'unreadable', /no known shape/],
    ['an empty object', async () => ['delivery_status', {}], 'unreadable', /no known shape: callback_id/],
    [
      'a document that was cut short',
      async () => {
        const job = newShape({ payload: { id: 'x' } });
        return ['delivery_status', { ...job, document: job.document.slice(0, -20) }];
      },
      'unreadable',
      /does not authenticate/,
    ],
    [
      'a document of another callback',
      async () => ['delivery_status', { ...newShape(), document: newShape().document }],
      'unreadable',
      /does not authenticate/,
    ],
    [
      'an unknown type',
      async () => ['birthday', oldShape(notification.id)],
      'unreadable',
      /birthday is not known/,
    ],
    [
      'a type that is not about a notification',
      async () => ['inbound_sms', oldShape(notification.id)],
      'unreadable',
      /inbound_sms cannot be completed/,
    ],
    [
      'a notification that does not exist',
      async () => ['delivery_status', oldShape(randomUUID())],
      'unreadable',
      /notification does not exist/,
    ],
    [
      'a notification that is no news',
      async () => {
        const { id } = await createNotification(service, api.serviceId, { status: 'sending' });
        return ['delivery_status', oldShape(id)];
      },
      'unreadable',
      /not_final/,
    ],
    [
      'a service that has no callback API any more',
      async () => {
        const serviceId = randomUUID();
        const { id } = await createNotification(service, serviceId, { status: 'delivered' });
        return ['delivery_status', oldShape(id, serviceId)];
      },
      'cancelled',
      NOTHING,
    ],
  ];

  it.each(poison)('gives up %s once, with the reason, and goes on', async (_, job, reason, detail) => {
    const seen = service.logs.lines.length;
    const known = (await givenUpRows(database.url)).length;
    const [name, data] = await job();
    const jobId = await add(name, data);
    const behind = await causeCallback(service, api.serviceId);

    await service.logs.waitFor('callback.delivered', { callback_id: behind.id });
    await allFinished(service);
    const lines = service.logs.lines.slice(seen).filter((line) => line['callback_id'] !== behind.id);
    const [line] = lines;
    expect(lines).toEqual([
      expect.objectContaining({ level: reason === 'unreadable' ? 50 : 40, event: `callback.${reason}` }),
    ]);
    expect(String(line?.['error'])).toMatch(detail);
    const givenUp = (await givenUpRows(database.url)).slice(known);
    expect(givenUp).toEqual([expect.objectContaining({ id: line?.['callback_id'], reason })]);
    expect(givenUp[0]?.detail ?? undefined).toBe(line?.['error']);
    expect(await jobHistory(service, MAIN_QUEUE, jobId)).toEqual(['added', 'active', 'completed']);
    expect(
      receiver.requests.filter(({ headers }) => headers['webhook-id'] === line?.['callback_id']),
    ).toEqual([]);
  });
});
