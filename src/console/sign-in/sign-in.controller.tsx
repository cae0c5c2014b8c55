import { Controller, Get, Post, Query, Req, Res, UseFilters, VERSION_NEUTRAL } from '@nestjs/common';
import type { Request, Response } from 'express';
import { addressOf } from '../../http/address-of.js';
import { ConsoleAccess } from '../console-access.js';
import { ConsoleErrorFilter } from '../console-error.filter.js';
import { InConsole } from '../in-console.decorator.js';
import { sendPage } from '../page/send-page.js';
import { insideConsole } from '../paths.js';
import { clearCookie, cookieOf, COOKIES, isHttps, isLoopback, setCookie } from '../session/cookies.js';
import { formOf } from '../session/form-body.js';
import { assertOwnForm } from '../session/same-origin.js';
import { SessionSeal, type SealedSession } from '../session/session-seal.js';
import { SignInLimit } from './sign-in-limit.js';
import { SignInPage } from './sign-in-page.js';

/** The token of a session for the sign-in form only. It is not an API token. */
const NO_TOKEN = '';

/** Without it there is no page that could be shown. */
const NEEDED = 'callbacks:read';

/** The sign-in form has a synchroniser token too, in a cookie of its own. */
@Controller({ path: 'console', version: VERSION_NEUTRAL })
@InConsole()
@UseFilters(ConsoleErrorFilter)
export class SignInController {
  constructor(
    private readonly access: ConsoleAccess,
    private readonly seal: SessionSeal,
    private readonly limit: SignInLimit,
  ) {}

  @Get('sign-in')
  show(@Req() request: Request, @Res() response: Response, @Query('to') to?: string): void {
    this.send(request, response, insideConsole(to));
  }

  @Post('sign-in')
  async signIn(@Req() request: Request, @Res() response: Response): Promise<void> {
    const address = addressOf(request);
    this.limit.assertBelow(address);
    const form = await formOf(request);
    assertOwnForm(request, form, this.formSession(request)?.csrf);
    const to = insideConsole(form.get('to'));
    const token = (form.get('token') ?? '').trim();
    const caller = await this.access.callerOf(token);
    if (caller === undefined) {
      await this.limit.failed(address);
      this.send(request, response, to, 'This token is not valid, or it has been revoked');
      return;
    }
    if (!caller.scopes.has(NEEDED)) {
      this.send(request, response, to, `This token may not read callbacks: it lacks the scope ${NEEDED}`);
      return;
    }
    clearCookie(request, response, COOKIES.signIn);
    setCookie(request, response, COOKIES.session, this.seal.start(token));
    response.redirect(303, to);
  }

  private send(request: Request, response: Response, to: string, problem?: string): void {
    const page = (
      <SignInPage
        csrf={this.csrfOf(request, response)}
        to={to}
        problem={problem}
        isOpen={!this.access.areRequired}
        needsHttps={!isHttps(request) && !isLoopback(request)}
      />
    );
    sendPage(response, page, problem === undefined ? 200 : 401);
  }

  /** The token of the form in another tab, if there is one. */
  private csrfOf(request: Request, response: Response): string {
    const shown = this.formSession(request);
    if (shown !== undefined) return shown.csrf;
    const sealed = this.seal.start(NO_TOKEN);
    setCookie(request, response, COOKIES.signIn, sealed);
    return this.seal.open(sealed)?.csrf ?? '';
  }

  private formSession(request: Request): SealedSession | undefined {
    const cookie = cookieOf(request, COOKIES.signIn);
    return cookie === undefined ? undefined : this.seal.open(cookie);
  }
}
