import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { MAIN_QUEUE } from '../../src/queues/queue-names.js';
import { documentBinding } from '../../src/service-callbacks/delivery/callback-job.js';
import {
  ServiceCallbacksProducer,
  type SendResult,
} from '../../src/service-callbacks/producer/service-callbacks-producer.js';
import { UnknownCallbackTypeError } from '../../src/service-callbacks/producer/unknown-callback-type.error.js';
import { PayloadCipher } from '../../src/service-callbacks/security/payload-cipher.js';
import { aComplaint } from '../support/builders/a-complaint.js';
import { aNotification } from '../support/builders/a-notification.js';
import { aReturnedLetter } from '../support/builders/a-returned-letter.js';
import { anInboundSms } from '../support/builders/an-inbound-sms.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { queueOf, queuedJobs } from '../support/queue-state.js';
import { registerCallbackApi, type RegisteredCallbackApi } from '../support/scenario.js';
import { startTestService, type TestService } from '../support/service.js';

/** No worker runs, so that what was enqueued stands where it was put. */
describe('the producer', () => {
  let database: TestDatabase;
  let service: TestService;
  let producer: ServiceCallbacksProducer;
  let api: RegisteredCallbackApi;

  beforeAll(async () => {
    database = await createTestDatabase();
    service = await startTestService(database.url, { PROCESS_ROLE: 'api' });
    producer = service.app.get(ServiceCallbacksProducer);
    api = await registerCallbackApi(service, { url: 'http://127.0.0.1/callbacks' });
  });

  beforeEach(() => queueOf(service, MAIN_QUEUE).drain());

  afterAll(async () => {
    await service.stop();
    await database.drop();
  });

  describe('tells why nothing is queued', () => {
    const of = (overrides: Parameters<typeof aNotification>[0]) => () =>
      producer.sendDeliveryStatus(aNotification({ serviceId: api.serviceId, ...overrides }));
    const cases: readonly [string, () => Promise<SendResult>, string][] = [
      ['no callback API (R1)', of({ serviceId: randomUUID() }), 'no_callback_api'],
      ['one of another type only (R1)', () => producer.sendComplaint(aComplaint(api)), 'no_callback_api'],
      ['the same for inbound texts', () => producer.sendInboundSms(anInboundSms(api)), 'no_callback_api'],
      [
        'the same for returned letters',
        () => producer.sendReturnedLetter(aReturnedLetter(api)),
        'no_callback_api',
      ],
      ['a letter (R2)', of({ notificationType: 'letter' }), 'letter'],
      ['created (R3)', of({ status: 'created' }), 'not_final'],
      ['sending (R3)', of({ status: 'sending' }), 'not_final'],
      ['pending (R3)', of({ status: 'pending', sentAt: null }), 'not_final'],
      [
        'a letter that is still on its way',
        of({ status: 'sending', notificationType: 'letter' }),
        'not_final',
      ],
      [
        'a letter of a service that has no callback API',
        of({ serviceId: randomUUID(), notificationType: 'letter' }),
        'letter',
      ],
    ];

    it.each(cases)('%s', async (_, send, reason) => {
      expect(await send()).toEqual({ queued: false, reason });
      expect(await queuedJobs(service)).toEqual([]);
    });
  });

  it.each(['sent', 'delivered', 'permanent-failure', 'temporary-failure', 'technical-failure'] as const)(
    'queues %s',
    async (status) => {
      const result = await producer.sendDeliveryStatus(aNotification({ serviceId: api.serviceId, status }));
      expect(result).toEqual({ queued: true, id: expect.any(String) });
      expect(await queuedJobs(service)).toHaveLength(1);
    },
  );

  it('queues the same news once while it waits, other news of the same subject beside it', async () => {
    const notification = aNotification({ serviceId: api.serviceId, status: 'sent' });
    const first = await producer.sendDeliveryStatus(notification);
    const again = await Promise.all(
      Array.from({ length: 5 }, () => producer.sendDeliveryStatus(notification)),
    );
    expect(again).toEqual(Array(5).fill(first));
    expect(await queuedJobs(service)).toHaveLength(1);

    const later = await producer.sendDeliveryStatus({ ...notification, status: 'delivered' });
    expect(later).not.toEqual(first);
    expect(await queuedJobs(service)).toHaveLength(2);
  });

  it('refuses a type nobody knows, and names those that are known', async () => {
    const sent = producer.send('birthday', {});
    await expect(sent).rejects.toThrow(UnknownCallbackTypeError);
    await expect(sent).rejects.toThrow(/birthday.*delivery_status, complaint, inbound_sms, returned_letter/);
  });

  it('shows whoever reads the queue neither a token nor a recipient (R9)', async () => {
    const notification = aNotification({ serviceId: api.serviceId });
    const { id } = (await producer.sendDeliveryStatus(notification)) as { id: string };

    const job = await queueOf(service, MAIN_QUEUE).getJob(id);
    const text = JSON.stringify(job);
    for (const secret of [api.bearerToken, api.url, notification.to, 'order-17'])
      expect(text).not.toContain(secret);
    expect(job?.data).toMatchObject({
      callback_id: id,
      service_id: api.serviceId,
      callback_type: 'delivery_status',
      callback_api_id: api.id,
      subject_id: notification.id,
      generation: 0,
      attempts: [],
    });
    const { document } = (job?.data ?? {}) as { document?: string };
    const opened: unknown = JSON.parse(
      service.app.get(PayloadCipher).decrypt(document ?? '', documentBinding(id)),
    );
    expect(opened).toMatchObject({
      url: api.url,
      bearer_token: api.bearerToken,
      payload: { id: notification.id, to: notification.to },
    });
  });
});
