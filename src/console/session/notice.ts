import { createHmac } from 'node:crypto';
import type { ConsoleSession } from './console-session.js';

/**
 * The parameter with which a redirect passes a notice to the next page: `25.<code>`. The code is an HMAC with the
 * session's secret, so that another person's link cannot show a notice.
 */
export function signedNotice({ csrf }: Pick<ConsoleSession, 'csrf'>, name: string, value: string): string {
  return `${value}.${createHmac('sha256', csrf).update(`${name}=${value}`).digest('base64url')}`;
}

/** @returns undefined if the code is not of this session */
export function verifiedNotice(
  session: Pick<ConsoleSession, 'csrf'>,
  name: string,
  given: unknown,
): string | undefined {
  const [value] = typeof given === 'string' ? given.split('.') : [];
  return value !== undefined && signedNotice(session, name, value) === given ? value : undefined;
}
