import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { anError, refusal } from '../support/refusals.js';
import { createNotification, registerCallbackApi, sendReceipt } from '../support/scenario.js';
import { startTestService, type TestService } from '../support/service.js';

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

describe('the REST contract of notifications', () => {
  let database: TestDatabase;
  let receiver: Receiver;
  let service: TestService;

  beforeAll(async () => {
    database = await createTestDatabase();
    receiver = await startReceiver();
    service = await startTestService(database.url);
  });

  afterAll(async () => {
    await service.stop();
    await receiver.close();
    await database.drop();
  });

  describe('POST /service/:service_id/notifications', () => {
    it('responds with 201 and the notification', async () => {
      const serviceId = randomUUID();
      const body = {
        notification_type: 'sms',
        to: '+447700900123',
        template_id: randomUUID(),
        template_version: 2,
        reference: 'order-17',
        status: 'sending',
        sent_at: '2017-06-20T12:34:56.789+01:00',
      };
      expect(await service.call('POST', `/service/${serviceId}/notifications`, body)).toMatchObject({
        status: 201,
        body: {
          data: {
            ...body,
            id: expect.stringMatching(UUID),
            service_id: serviceId,
            sent_at: '2017-06-20T11:34:56.789Z',
            created_at: expect.stringMatching(ISO),
            updated_at: null,
            sent_by: null,
          },
        },
      });
    });

    it('creates a notification without a reference', async () => {
      expect(await createNotification(service, randomUUID())).toMatchObject({
        status: 'created',
        reference: null,
        sent_at: null,
      });
    });

    it('names each bad field at once', async () => {
      const body = {
        notification_type: 'pigeon',
        to: '',
        template_id: 'x',
        template_version: 0,
        reference: 'a\u0000b',
        status: 'lost',
        sent_at: 'yesterday',
        colour: 'red',
      };
      const response = await service.call('POST', `/service/${randomUUID()}/notifications`, body);
      expect(response.status).toBe(400);
      const { errors } = response.body as { errors: { message: string }[] };
      const named = errors.map(({ message }) => message.split(' ')[0] ?? '');
      expect(new Set(named)).toEqual(new Set(Object.keys(body)));
    });
  });

  it.each([
    [
      `/service/${randomUUID()}/notifications`,
      ['notification_type', 'to', 'template_id', 'template_version'],
    ],
    [`/notifications/${randomUUID()}/receipts`, ['status']],
  ])('POST %s names each missing field', async (path, fields) => {
    const missing = fields.map((field) => new RegExp(`^${field} is required$`));
    expect(await refusal(service.call('POST', path, {}))).toEqual(anError(400, ...missing));
  });

  describe('POST /notifications/:id/receipts', () => {
    it('responds with the notification and its callback, whose id is the same everywhere', async () => {
      const { serviceId } = await registerCallbackApi(service, { url: receiver.url('/ids') });
      const { id } = await createNotification(service, serviceId);
      const response = await sendReceipt(service, id, { status: 'delivered', sent_by: 'provider' });
      expect(response).toEqual({
        notification: expect.objectContaining({ id, status: 'delivered', sent_by: 'provider' }),
        callback: { queued: true, id: expect.stringMatching(UUID) },
      });
      const [request] = await receiver.waitForRequests(1, { path: '/ids' });
      const callbackId = response.callback.queued && response.callback.id;
      expect(request?.headers['webhook-id']).toBe(callbackId);
      expect(service.logs.events('callback.queued', { callback_id: callbackId })).toHaveLength(1);
    });

    it('names an unknown status', async () => {
      const { id } = await createNotification(service, randomUUID());
      expect(
        await refusal(service.call('POST', `/notifications/${id}/receipts`, { status: 'lost' })),
      ).toEqual(
        anError(
          400,
          /^status "lost" is not one of created, sending, pending, sent, delivered, permanent-failure, temporary-failure, technical-failure$/,
        ),
      );
    });

    /**
     * The first reason that applies, in this order. Each row: the type, the status before, whether there is an
     * endpoint.
     */
    const reasons: readonly [string, string, string, string, boolean][] = [
      ['already_final', 'email', 'delivered', 'permanent-failure', true],
      ['already_final', 'email', 'delivered', 'delivered', true],
      ['already_final', 'letter', 'delivered', 'pending', false],
      ['not_final', 'email', 'created', 'sending', true],
      ['not_final', 'email', 'sending', 'pending', true],
      ['not_final', 'email', 'pending', 'pending', true],
      ['not_final', 'letter', 'created', 'pending', false],
      ['letter', 'letter', 'sending', 'delivered', true],
      ['letter', 'letter', 'sending', 'sent', false],
      ['no_callback_api', 'email', 'sending', 'delivered', false],
      ['no_callback_api', 'sms', 'sending', 'sent', false],
    ];

    it.each(reasons)(
      '%s: %s from %s to %s (callback API: %s)',
      async (reason, type, before, status, registered) => {
        const serviceId = randomUUID();
        if (registered) await registerCallbackApi(service, { serviceId, url: receiver.url('/reasons') });
        const { id } = await createNotification(service, serviceId, {
          notification_type: type,
          status: before,
        });
        expect(await sendReceipt(service, id, { status })).toMatchObject({
          callback: { queued: false, reason },
        });
      },
    );

    it('sends one callback for sent, none for sent again, and another for delivered', async () => {
      const { serviceId } = await registerCallbackApi(service, { url: receiver.url('/twice') });
      const { id } = await createNotification(service, serviceId, { status: 'sending' });

      const sent = await sendReceipt(service, id, { status: 'sent', sent_by: 'first' });
      const again = await sendReceipt(service, id, { status: 'sent' });
      const delivered = await sendReceipt(service, id, { status: 'delivered', sent_by: 'second' });

      expect(sent.callback).toMatchObject({ queued: true });
      expect(again).toMatchObject({
        notification: { status: 'sent' },
        callback: { queued: false, reason: 'unchanged', id: sent.callback.queued && sent.callback.id },
      });
      expect(delivered).toMatchObject({
        notification: { status: 'delivered', sent_by: 'first' },
        callback: { queued: true },
      });
      const ids = [sent, delivered].map(({ callback }) => callback.queued && callback.id);
      const requests = await receiver.waitForRequests(2, { path: '/twice' });
      expect(new Set(ids).size).toBe(2);
      expect(new Set(requests.map(({ headers }) => headers['webhook-id']))).toEqual(new Set(ids));
    });

    it('returns the id of the earlier callback if a status comes again', async () => {
      const { serviceId } = await registerCallbackApi(service, { url: receiver.url('/back') });
      const { id } = await createNotification(service, serviceId, { status: 'sending' });
      const { callback: sent } = await sendReceipt(service, id, { status: 'sent' });
      await sendReceipt(service, id, { status: 'pending' });
      const { callback: again } = await sendReceipt(service, id, { status: 'sent' });
      expect(again).toEqual({ queued: false, reason: 'duplicate', id: sent.queued && sent.id });
    });
  });

  it.each([`/notifications/${randomUUID()}/receipts`, '/notifications/not-a-uuid/receipts'])(
    'a receipt to %s is a 404',
    async (path) => {
      expect(await refusal(service.call('POST', path, { status: 'delivered' }))).toEqual(anError(404, /./));
    },
  );

  it('logs no error of this platform', () => {
    expect(service.logs.errors()).toEqual([]);
  });
});
