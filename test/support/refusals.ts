import { expect } from '@jest/globals';
import type { ApiResponse } from './service.js';

const names: Readonly<Record<number, string>> = {
  400: 'ValidationError',
  401: 'AuthError',
  404: 'NotFoundError',
  405: 'MethodNotAllowedError',
  409: 'ConflictError',
  413: 'PayloadTooLargeError',
  429: 'RateLimitError',
};

/** The one shape of an error, whole. */
export function anError(code: number, ...messages: readonly RegExp[]) {
  const errors = messages.map((message) => ({ error: names[code], message: expect.stringMatching(message) }));
  return { status: code, body: { status_code: code, errors } };
}

/** What is compared as a whole. */
export async function refusal(response: Promise<ApiResponse>) {
  const { status, body } = await response;
  return { status, body };
}
