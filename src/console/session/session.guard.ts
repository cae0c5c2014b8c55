import {
  ForbiddenException,
  Inject,
  Injectable,
  NotFoundException,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Response } from 'express';
import type { ApiScope } from '../../http/api-tokens/api-token.js';
import { REQUIRED_SCOPE } from '../../http/access.decorators.js';
import { ConsoleAccess } from '../console-access.js';
import { CONSOLE_LINKS, type ConsoleLinks } from '../console-links.js';
import { can, type ConsoleRequest, type ConsoleSession } from './console-session.js';
import { COOKIES, cookieOf, setCookie } from './cookies.js';
import { CrossSiteVisitError, SignInNeededError } from './errors.js';
import { formOf } from './form-body.js';
import { assertOwnForm } from './same-origin.js';
import { SessionSeal } from './session-seal.js';

/**
 * Admits a session whose token is valid now, has the page's scope, and asks for rows of its own service. A form must
 * come from a page of that session. Another service's rows look like rows that do not exist.
 */
@Injectable()
export class SessionGuard implements CanActivate {
  constructor(
    private readonly seal: SessionSeal,
    private readonly access: ConsoleAccess,
    private readonly reflector: Reflector,
    @Inject(CONSOLE_LINKS) private readonly links: ConsoleLinks,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    const request = http.getRequest<ConsoleRequest>();
    const session = await this.sessionOf(request, http.getResponse<Response>());
    // From here on, error pages have the navigation.
    request.consoleSession = session;
    assertOwnService(session, request);
    this.assertScope(session, context);
    if (request.method === 'POST') {
      request.consoleForm = await formOf(request);
      assertOwnForm(request, request.consoleForm, session.csrf);
    }
    return true;
  }

  private async sessionOf(request: ConsoleRequest, response: Response): Promise<ConsoleSession> {
    const cookie = cookieOf(request, COOKIES.session);
    if (cookie === undefined && isCrossSite(request)) throw new CrossSiteVisitError(request.originalUrl);
    const sealed = cookie === undefined ? undefined : this.seal.open(cookie);
    const caller = sealed && (await this.access.callerOf(sealed.token));
    if (sealed === undefined || caller === undefined) throw new SignInNeededError(request.originalUrl);
    const renewed = isByItself(request) ? undefined : this.seal.renew(sealed);
    if (renewed !== undefined) setCookie(request, response, COOKIES.session, renewed);
    return { caller, csrf: sealed.csrf, links: this.links };
  }

  private assertScope(session: ConsoleSession, context: ExecutionContext): void {
    const needed = this.reflector.getAllAndOverride<ApiScope | undefined>(REQUIRED_SCOPE, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (needed === undefined || can(session, needed)) return;
    throw new ForbiddenException(`Your token lacks the scope ${needed}`);
  }
}

function assertOwnService({ caller: { serviceId } }: ConsoleSession, { params, path }: ConsoleRequest): void {
  // PostgreSQL does not accept such a text, so no row has it.
  if (Object.values(params).some((value) => value.includes('\0'))) throw new NotFoundException();
  const given = params['service_id'];
  if (serviceId === undefined || given === undefined || given === serviceId) return;
  throw new NotFoundException(`There is no ${path}`);
}

/** A page that refreshes itself does not extend the session, because nobody may be there. */
function isByItself({ method, headers }: ConsoleRequest): boolean {
  return method === 'GET' && headers['hx-request'] === 'true';
}

function isCrossSite({ method, headers }: ConsoleRequest): boolean {
  return method === 'GET' && headers['sec-fetch-site'] === 'cross-site';
}
