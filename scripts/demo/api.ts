import { z } from 'zod';
import { maskedJson } from './masked.js';
import { report } from './terminal.js';

const created = z.object({ data: z.object({ id: z.string() }) });
const receiptTaken = z.object({
  data: z.object({
    callback: z.union([
      z.object({ queued: z.literal(true), id: z.string() }),
      z.object({ queued: z.literal(false), reason: z.string() }),
    ]),
  }),
});

interface Expectation<T> {
  readonly status: number;
  readonly schema: z.ZodType<T>;
}

/** The service's REST API, as a client that shows what it sends. */
export class Api {
  constructor(
    private readonly baseUrl: string,
    private readonly signal: AbortSignal,
  ) {}

  async registerCallbackApi(
    serviceId: string,
    body: Readonly<Record<'callback_type' | 'url' | 'bearer_token' | 'updated_by_id', string>>,
  ): Promise<void> {
    await this.post(`/service/${serviceId}/callback-api`, body, { status: 201, schema: created });
  }

  /** @returns the notification's id */
  async createNotification(serviceId: string, body: Readonly<Record<string, unknown>>): Promise<string> {
    const path = `/service/${serviceId}/notifications`;
    return (await this.post(path, body, { status: 201, schema: created })).data.id;
  }

  /** @returns the id of the callback that the provider's receipt caused */
  async sendReceipt(notificationId: string, status: string): Promise<string> {
    const path = `/notifications/${notificationId}/receipts`;
    const body = { status, sent_by: 'a-provider' };
    const { callback } = (await this.post(path, body, { status: 200, schema: receiptTaken })).data;
    if (callback.queued) return callback.id;
    throw new Error(`POST ${path} queued no callback: ${callback.reason}.`);
  }

  private async post<T>(
    path: string,
    body: Readonly<Record<string, unknown>>,
    expected: Expectation<T>,
  ): Promise<T> {
    const response = await fetch(this.baseUrl + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: this.signal,
    });
    const text = await response.text();
    report('api', `POST ${path}: ${response.status}`, maskedJson(body));
    if (response.status === expected.status) return expected.schema.parse(JSON.parse(text));
    throw new Error(`POST ${path} responded with ${response.status} instead of ${expected.status}: ${text}`);
  }
}
