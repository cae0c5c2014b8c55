import { randomUUID } from 'node:crypto';
import type { CallbackDecision } from '../../src/notifications/notifications.service.js';
import { aCallbackApi, type CallbackApiBody } from './builders/a-callback-api.js';
import type { ApiResponse, RestApi } from './service.js';

/** A registered endpoint, with its token, which the API never shows. */
export interface RegisteredCallbackApi {
  readonly id: string;
  readonly serviceId: string;
  readonly url: string;
  readonly bearerToken: string;
}

/** A notification as the REST API shows it. */
export interface NotificationView {
  readonly id: string;
  readonly service_id: string;
  readonly status: string;
  readonly sent_by: string | null;
  readonly [field: string]: unknown;
}

export interface ReceiptResponse {
  readonly notification: NotificationView;
  readonly callback: CallbackDecision;
}

/** A callback that was queued by a receipt. */
export interface SentCallback {
  readonly id: string;
  readonly serviceId: string;
  readonly notificationId: string;
}

/** Registers an endpoint through the REST API, by default for a new service. */
export async function registerCallbackApi(
  api: RestApi,
  { serviceId = randomUUID(), ...overrides }: Partial<CallbackApiBody> & { readonly serviceId?: string },
): Promise<RegisteredCallbackApi> {
  const body = aCallbackApi(overrides);
  const response = await api.call<Data<{ id: string }>>('POST', `/service/${serviceId}/callback-api`, body);
  return {
    id: dataOf(response, 201).id,
    serviceId,
    url: body.url,
    bearerToken: body.bearer_token,
  };
}

export async function createNotification(
  api: RestApi,
  serviceId: string,
  overrides: Readonly<Record<string, unknown>> = {},
): Promise<NotificationView> {
  const response = await api.call<Data<NotificationView>>('POST', `/service/${serviceId}/notifications`, {
    notification_type: 'email',
    to: 'recipient@example.com',
    template_id: randomUUID(),
    template_version: 3,
    ...overrides,
  });
  return dataOf(response, 201);
}

/** A provider's receipt. */
export async function sendReceipt(
  api: RestApi,
  notificationId: string,
  receipt: { readonly status: string; readonly sent_by?: string } = { status: 'delivered' },
): Promise<ReceiptResponse> {
  return dataOf(
    await api.call<Data<ReceiptResponse>>('POST', `/notifications/${notificationId}/receipts`, receipt),
    200,
  );
}

/** An email of this service, and a receipt that it was delivered. */
export async function causeCallback(api: RestApi, serviceId: string): Promise<SentCallback> {
  const { id: notificationId } = await createNotification(api, serviceId);
  const { callback } = await sendReceipt(api, notificationId);
  if (!callback.queued) throw new Error(`No callback was queued: ${callback.reason}`);
  return { id: callback.id, serviceId, notificationId };
}

/** The whole way to one callback, which goes to `url`. */
export async function sendCallbackTo(api: RestApi, url: string): Promise<SentCallback> {
  const { serviceId } = await registerCallbackApi(api, { url });
  return causeCallback(api, serviceId);
}

interface Data<T> {
  readonly data: T;
}

function dataOf<T>({ status, body }: ApiResponse<Data<T>>, expected: number): T {
  if (status !== expected) throw new Error(`expected ${expected}, got ${status}: ${JSON.stringify(body)}`);
  return body.data;
}
