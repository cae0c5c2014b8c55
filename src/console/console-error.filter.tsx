import { Catch, HttpException, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { Response } from 'express';
import { isStoreFault } from '../database/store-fault.js';
import { describeError } from '../observability/describe-error.js';
import { ErrorPage, ReloadPage } from './page/error-page.js';
import { sendPage } from './page/send-page.js';
import { insideConsole, paths, withQuery } from './paths.js';
import type { ConsoleRequest } from './session/console-session.js';
import { CrossSiteVisitError, SignInNeededError } from './session/errors.js';

const TITLES: Readonly<Record<number, string>> = {
  400: 'That cannot be done',
  403: 'Not allowed',
  404: 'Not found',
  409: 'That cannot be done now',
  413: 'Too large',
  429: 'Too many requests',
};

/** Turns every error of the console into a page, or into a redirect to the sign-in page. No page shows internals. */
@Catch()
export class ConsoleErrorFilter implements ExceptionFilter {
  private readonly logger = new Logger('Console');

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<ConsoleRequest>();
    const response = http.getResponse<Response>();
    if (error instanceof SignInNeededError) {
      toSignIn(request, response, error.wanted);
      return;
    }
    if (error instanceof CrossSiteVisitError) {
      sendPage(response, <ReloadPage wanted={insideConsole(error.wanted)} />);
      return;
    }
    const { status, title, words } = this.describe(error, request);
    if (response.headersSent) return;
    sendPage(response, <ErrorPage {...{ title, words }} session={request.consoleSession} />, status);
  }

  private describe(error: unknown, { method, path }: ConsoleRequest) {
    if (error instanceof HttpException) {
      const status = error.getStatus();
      const title = TITLES[status] ?? 'That did not work';
      return { status, title, words: status === 404 ? NOT_FOUND : error.message };
    }
    const isUnavailable = isStoreFault(error);
    this.logger.error({
      event: isUnavailable ? 'console.unavailable' : 'console.failed',
      err: describeError(error),
      msg: `${method} ${path} failed`,
    });
    if (isUnavailable) return { status: 503, title: 'The database does not respond', words: UNAVAILABLE };
    return { status: 500, title: 'Something went wrong', words: FAULT };
  }
}

const NOT_FOUND = 'There is no such page, or it belongs to another service, or it has been deleted.';
const UNAVAILABLE =
  'Callbacks that are under way go on. This page comes back with the database: try again in a moment.';
const FAULT =
  'This is a fault of the console, and it has been logged. Try again; if it stays, tell your operators.';

function toSignIn(request: ConsoleRequest, response: Response, wanted: string): void {
  const to = request.method === 'GET' && wanted !== paths.overview ? insideConsole(wanted) : undefined;
  const address = withQuery(paths.signIn, { to });
  if (request.headers['hx-request'] === undefined) response.redirect(303, address);
  // A fetch would follow a redirect, and the new page does not have the part that it looks for.
  else response.status(401).set('HX-Redirect', paths.signIn).end();
}
