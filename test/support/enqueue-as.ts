import { DataSource } from 'typeorm';
import { ServiceCallbacksProducer } from '../../src/service-callbacks/producer/service-callbacks-producer.js';
import { aNotification } from './builders/a-notification.js';
import type { TestService } from './service.js';

/**
 * A callback whose record is changed before anything can take it.
 *
 * @param set of an UPDATE in the transaction of the enqueue
 * @returns its id
 */
export function enqueueAs({ app }: TestService, serviceId: string, set: string): Promise<string> {
  return app.get(DataSource).transaction(async (manager) => {
    const producer = app.get(ServiceCallbacksProducer);
    const sent = await producer.sendDeliveryStatus(aNotification({ serviceId }), { manager });
    if (!sent.queued) throw new Error(sent.reason);
    await manager.query(`UPDATE service_callbacks SET ${set} WHERE id = $1`, [sent.id]);
    return sent.id;
  });
}

/** Attempted once, in vain. */
export const FAILED = `attempt_count = 1,
  attempts = '[{"at": "2017-06-20T12:34:56.000Z", "duration_ms": 7, "status_code": 503}]'`;

/** Its retry an hour off. */
export const RETRYING = `${FAILED}, state = 'scheduled', next_attempt_at = now() + interval '1 hour'`;
