import { randomUUID } from 'node:crypto';

/** The body of `POST /service/:service_id/callback-api`. */
export interface CallbackApiBody {
  readonly callback_type: string;
  readonly url: string;
  readonly bearer_token: string;
  readonly updated_by_id: string;
}

/** A callback API to be registered for delivery statuses. */
export function aCallbackApi(overrides: Partial<CallbackApiBody> = {}): CallbackApiBody {
  return {
    callback_type: 'delivery_status',
    url: 'https://service.example.com/callbacks',
    bearer_token: 'a-bearer-token-of-the-service',
    updated_by_id: randomUUID(),
    ...overrides,
  };
}
