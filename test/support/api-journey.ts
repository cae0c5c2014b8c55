import { randomUUID } from 'node:crypto';
import { eventually } from './eventually.js';
import { status, type Receiver } from './receiver.js';
import { causeCallback } from './scenario.js';
import type { RestApi, TestService } from './service.js';

/** One operation of the OpenAPI document, called in an order in which each succeeds. */
export interface JourneyStep {
  readonly operation: string;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly status: number;
  /** What later steps need of the response. */
  learn?(body: JourneyResponse): void;
}

interface JourneyResponse {
  readonly data: {
    readonly id: string;
    readonly replay_id: string;
    readonly callback: { readonly id: string };
  };
}

interface JourneyOptions {
  readonly service: TestService;
  /** With the token of the caller. */
  readonly api: RestApi;
  readonly receiver: Receiver;
}

/** Every operation once, some twice, each after the operations that it needs. Callbacks need no retries. */
export async function* apiJourney({ service, api, receiver }: JourneyOptions): AsyncGenerator<JourneyStep> {
  const serviceId = randomUUID();
  const ofService = { service_id: serviceId };
  const path = '/journey';
  const user = randomUUID();
  let endpoint = ofService as { service_id: string; id: string };
  let notificationId = '';
  let callback = endpoint;
  let replay = endpoint;

  const isSettled = (state: string) =>
    eventually(async () => {
      const { body } = await api.call('GET', `/service/${serviceId}/callbacks/${callback.id}`);
      if ((body as { data: { state: string } }).data.state !== state) throw new Error(JSON.stringify(body));
    });

  receiver.respond(path, status(503, { body: 'Closed for maintenance' }));
  yield { operation: 'Health_live', status: 200 };
  yield { operation: 'Health_ready', status: 200 };
  yield { operation: 'Metrics_metrics', status: 200 };

  yield {
    operation: 'CallbackApis_create',
    parameters: ofService,
    body: {
      callback_type: 'delivery_status',
      url: receiver.url(path),
      bearer_token: 'a-token-of-the-journey',
      updated_by_id: user,
    },
    status: 201,
    learn: ({ data }) => {
      endpoint = { ...ofService, id: data.id };
    },
  };
  yield { operation: 'CallbackApis_list', parameters: ofService, status: 200 };
  yield { operation: 'CallbackApis_get', parameters: endpoint, status: 200 };
  yield {
    operation: 'CallbackApis_update',
    parameters: endpoint,
    body: { updated_by_id: user, bearer_token: 'another-token-of-the-journey' },
    status: 200,
  };
  yield { operation: 'CallbackApis_rotateSigningSecret', parameters: endpoint, status: 200 };
  yield { operation: 'EndpointHealth_test', parameters: endpoint, status: 200 };

  yield {
    operation: 'Notifications_create',
    parameters: ofService,
    body: {
      notification_type: 'email',
      to: 'applicant@example.com',
      template_id: randomUUID(),
      template_version: 3,
      reference: 'claim-4711',
    },
    status: 201,
    learn: ({ data }) => {
      notificationId = data.id;
    },
  };
  const receipt = {
    operation: 'Notifications_receive',
    parameters: { id: notificationId },
    body: { status: 'delivered', sent_by: 'mail-provider' },
    status: 200,
  };
  yield {
    ...receipt,
    learn: ({ data }) => {
      callback = { ...ofService, id: data.callback.id };
    },
  };
  yield receipt;
  await isSettled('given_up');

  yield { operation: 'Callbacks_list', parameters: ofService, status: 200 };
  yield { operation: 'Callbacks_get', parameters: callback, status: 200 };
  yield { operation: 'Callbacks_retry', parameters: callback, status: 202 };
  yield { operation: 'DeadLetters_list', parameters: ofService, status: 200 };
  yield { operation: 'DeadLetters_get', parameters: callback, status: 200 };
  yield { operation: 'EndpointHealth_get', parameters: endpoint, status: 200 };
  yield { operation: 'DeadLetters_replayOne', parameters: callback, status: 202 };
  await receiver.waitForRequests(3, { path });
  await isSettled('given_up');
  yield { operation: 'DeadLetters_get', parameters: callback, status: 200 };
  yield { operation: 'Callbacks_get', parameters: callback, status: 200 };
  yield {
    operation: 'DeadLetters_replayAll',
    parameters: ofService,
    body: { reason: 'not_retried' },
    status: 202,
  };

  const removed = await causeCallback(api, serviceId);
  await service.logs.waitForEnd(removed.id);
  yield { operation: 'DeadLetters_remove', parameters: { ...ofService, id: removed.id }, status: 204 };

  receiver.respond(path, 204);
  yield { operation: 'Callbacks_replayOne', parameters: callback, status: 202 };
  await isSettled('delivered');
  yield {
    operation: 'Callbacks_replayMany',
    parameters: ofService,
    body: { state: 'delivered' },
    status: 202,
    learn: ({ data }) => {
      replay = { ...ofService, id: data.replay_id };
    },
  };
  yield { operation: 'Callbacks_replayRun', parameters: replay, status: 200 };
  yield { operation: 'Callbacks_stopReplay', parameters: replay, status: 200 };

  yield {
    operation: 'EndpointHealth_disable',
    parameters: endpoint,
    body: { updated_by_id: user },
    status: 200,
  };
  yield {
    operation: 'EndpointHealth_enable',
    parameters: endpoint,
    body: { updated_by_id: user, replay: false },
    status: 200,
  };
  yield { operation: 'CallbackApis_remove', parameters: endpoint, status: 204 };
}
