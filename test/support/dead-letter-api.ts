import type { ApiResponse, RestApi } from './service.js';

/** A dead letter as the REST API shows it; a list leaves out `attempts`. */
export interface DeadLetterView {
  readonly id: string;
  readonly service_id: string;
  readonly reason: string;
  readonly detail: string | null;
  readonly url: string | null;
  readonly attempts_made: number;
  readonly given_up_at: string;
  readonly replay_requested_at: string | null;
  readonly replayed_at: string | null;
  readonly attempts?: readonly Readonly<Record<string, unknown>>[];
}

interface Page {
  readonly data: readonly DeadLetterView[];
  readonly next_cursor: string | null;
}

export interface ErrorBody {
  readonly status_code: number;
  readonly errors: readonly { readonly error: string; readonly message: string }[];
}

/** What an operator does with a service's dead letters. */
export function deadLettersOf(api: RestApi, serviceId: string) {
  const base = `/service/${serviceId}/dead-letters`;
  return {
    list: (query = ''): Promise<ApiResponse<Page>> => api.call('GET', base + query),
    get: (id: string): Promise<ApiResponse<{ data: DeadLetterView }>> => api.call('GET', `${base}/${id}`),
    remove: (id: string): Promise<ApiResponse> => api.call('DELETE', `${base}/${id}`),
    replay: (id: string): Promise<ApiResponse<{ data: { id: string; queued: boolean } } & ErrorBody>> =>
      api.call('POST', `${base}/${id}/replay`),
    replayAll: (
      filter?: object,
    ): Promise<ApiResponse<{ data: { count: number; replay_id?: string | null } }>> =>
      api.call('POST', `${base}/replay`, filter),
  };
}
