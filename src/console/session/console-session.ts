import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';
import type { ApiScope, Caller } from '../../http/api-tokens/api-token.js';
import type { LogScope } from '../../service-callbacks/history/records.js';
import type { ConsoleLinks } from '../console-links.js';
import type { Form } from './form-body.js';

/** The signed-in person, for pages and handlers. */
export interface ConsoleSession {
  readonly caller: Caller;
  readonly csrf: string;
  readonly links: ConsoleLinks;
}

/** A request with a session; a POST has its form, which the guard has checked. */
export interface ConsoleRequest extends Request {
  consoleSession?: ConsoleSession;
  consoleForm?: Form;
}

/** Parameter of a handler behind the guard. */
export const CurrentSession = createParamDecorator(
  (_: unknown, context: ExecutionContext): ConsoleSession => {
    const { consoleSession } = context.switchToHttp().getRequest<ConsoleRequest>();
    if (!consoleSession) throw new Error('This handler is not behind the guard of the console');
    return consoleSession;
  },
);

/** Parameter of a POST's handler behind the guard. */
export const CurrentForm = createParamDecorator(
  (_: unknown, context: ExecutionContext): Form =>
    context.switchToHttp().getRequest<ConsoleRequest>().consoleForm ?? new URLSearchParams(),
);

export function can({ caller }: ConsoleSession, scope: ApiScope): boolean {
  return caller.scopes.has(scope);
}

/** The rows that the session may see: one service's, or all. */
export function scopeOf({ caller: { serviceId } }: ConsoleSession): LogScope {
  return serviceId === undefined ? 'all' : { serviceId };
}
