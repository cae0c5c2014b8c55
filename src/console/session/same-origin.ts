import { timingSafeEqual } from 'node:crypto';
import { ForbiddenException } from '@nestjs/common';
import type { Request } from 'express';
import type { Form } from './form-body.js';

/** The field of every form that holds the session's synchroniser token. */
export const CSRF_FIELD = 'csrf';

/**
 * Rejects a form that no page of this console sent. It checks the origin that the browser states, and the synchroniser
 * token, which only such a page knows.
 * @throws ForbiddenException
 */
export function assertOwnForm(request: Request, form: Form, csrf: string | undefined): void {
  if (!isSameOrigin(request) || csrf === undefined || !isSame(form.get(CSRF_FIELD) ?? '', csrf)) {
    throw new ForbiddenException(
      'This form does not come from a page of your session. Go back, reload, try again.',
    );
  }
}

/**
 * `Sec-Fetch-Site` if the browser sends it, because a proxy that changes `Host` does not disturb it; otherwise
 * `Origin`.
 */
function isSameOrigin({ headers }: Request): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin';
  const { origin, host } = headers;
  return origin === undefined || (URL.canParse(origin) && new URL(origin).host === host);
}

function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
