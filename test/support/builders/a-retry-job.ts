import { randomUUID } from 'node:crypto';
import { DocumentSealer } from '../../../src/service-callbacks/delivery/document-sealer.js';
import { retryJob, type RetryReason } from '../../../src/service-callbacks/delivery/queued-jobs.js';
import type { QueuedJob } from '../../../src/queues/queue-backend.js';
import type { RegisteredCallbackApi } from '../scenario.js';
import type { TestService } from '../service.js';

/** A retry job as this release writes it, due since `queuedAt`; one retry is allowed. */
export function aRetryJob(
  service: TestService,
  api: RegisteredCallbackApi,
  queuedAt: number,
  why?: RetryReason,
): QueuedJob {
  const id = randomUUID();
  const document = {
    v: 1,
    url: api.url,
    bearer_token: api.bearerToken,
    payload: completePayload(),
  } as const;
  return retryJob(
    {
      id,
      serviceId: api.serviceId,
      callbackType: 'delivery_status',
      callbackApiId: api.id,
      subjectId: randomUUID(),
      queuedAt,
      generation: 0,
      generationStart: 0,
      attempts: [{ at: new Date(queuedAt).toISOString(), duration_ms: 7, status_code: 503 }],
      document,
      sealed: service.app.get(DocumentSealer).seal(id, document),
    },
    { maxRetries: 1, dueAt: queuedAt, now: queuedAt },
    why,
  );
}

/** Every field a delivery status has: less, and the job would count as one of an older release. */
function completePayload() {
  return {
    id: randomUUID(),
    reference: null,
    to: 'recipient@example.com',
    status: 'delivered',
    created_at: '2017-06-20T12:34:56.000000Z',
    completed_at: '2017-06-20T12:34:56.000000Z',
    sent_at: null,
    notification_type: 'email',
    template_id: randomUUID(),
    template_version: 3,
  };
}
