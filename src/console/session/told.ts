import { createHmac } from 'node:crypto';
import type { ConsoleSession } from './console-session.js';

/**
 * What a redirect tells the page that it leads to: `25.<code>`. The code is made with the session's own secret, so
 * that an address of somebody else's making tells nothing.
 */
export function tell({ csrf }: Pick<ConsoleSession, 'csrf'>, name: string, value: string): string {
  return `${value}.${createHmac('sha256', csrf).update(`${name}=${value}`).digest('base64url')}`;
}

/** @returns undefined for what this session was not told */
export function told(
  session: Pick<ConsoleSession, 'csrf'>,
  name: string,
  given: unknown,
): string | undefined {
  const [value] = typeof given === 'string' ? given.split('.') : [];
  return value !== undefined && tell(session, name, value) === given ? value : undefined;
}
