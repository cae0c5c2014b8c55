import type { ApiResponse, RestApi } from './service.js';

/** A callback of the delivery log as the REST API shows it; `attempts` on its own page alone. */
export interface LoggedCallbackView {
  readonly id: string;
  readonly service_id: string;
  readonly callback_api_id: string;
  readonly subject_id: string;
  readonly state: string;
  readonly reason: string | null;
  readonly detail: string | null;
  readonly attempts_made: number;
  readonly last_status_code: number | null;
  readonly last_error: string | null;
  readonly queued_at: string;
  readonly first_attempt_at: string | null;
  readonly last_attempt_at: string | null;
  readonly next_attempt_at: string | null;
  readonly finished_at: string | null;
  readonly replayed_at: string | null;
  readonly replay_requested_at: string | null;
  readonly forward_ms: number | null;
  readonly attempts?: readonly Readonly<Record<string, unknown>>[];
}

interface Page {
  readonly data: readonly LoggedCallbackView[];
  readonly next_cursor: string | null;
}

/** How a service team looks at its callbacks. */
export function callbacksOf(api: RestApi, serviceId: string) {
  const base = `/service/${serviceId}/callbacks`;
  return {
    list: (query: Readonly<Record<string, string>> = {}): Promise<ApiResponse<Page>> =>
      api.call('GET', `${base}?${new URLSearchParams(query)}`),
    get: (id: string): Promise<ApiResponse<{ data: LoggedCallbackView }>> => api.call('GET', `${base}/${id}`),
  };
}
