import {
  Catch,
  HttpException,
  HttpStatus,
  Logger,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { isStoreFault } from '../database/store-fault.js';
import { describeError } from '../observability/describe-error.js';
import { errorBodyOf } from './error-body.js';

/**
 * A response has no stack and no internals. An error of this platform is logged with them, whatever its status code.
 */
@Catch()
export class HttpErrorFilter implements ExceptionFilter {
  private readonly logger = new Logger('Http');

  constructor(private readonly adapterHost: HttpAdapterHost) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const { status, messages } = describe(error);
    if (status >= 500) this.log(error, status);
    const { httpAdapter } = this.adapterHost;
    const response = host.switchToHttp().getResponse<unknown>();
    if (httpAdapter.isHeadersSent(response)) return;
    httpAdapter.reply(response, errorBodyOf(status, messages), status);
  }

  private log(error: unknown, status: number): void {
    const isAway = status === 503;
    this.logger.error({
      event: isAway ? 'http.unavailable' : 'http.failed',
      err: describeError(error),
      msg: isAway ? 'A request needs what is unavailable' : 'A request failed',
    });
  }
}

function describe(error: unknown): { status: number; messages: readonly string[] } {
  if (error instanceof HttpException) return { status: error.getStatus(), messages: messagesOf(error) };
  if (isStoreFault(error)) {
    return {
      status: HttpStatus.SERVICE_UNAVAILABLE,
      messages: ['The database does not respond now; try again'],
    };
  }
  const status = clientErrorStatus(error);
  if (status !== undefined) return { status, messages: [(error as Error).message] };
  return { status: HttpStatus.INTERNAL_SERVER_ERROR, messages: ['Internal server error'] };
}

function messagesOf(error: HttpException): readonly string[] {
  const response = error.getResponse();
  const message =
    typeof response === 'string' ? response : (response as { message?: string | string[] }).message;
  return [message ?? error.message].flat();
}

/** Errors of the body parser: too large, not JSON, an unknown charset. */
function clientErrorStatus(error: unknown): number | undefined {
  const { status, expose } = (error ?? {}) as { status?: number; expose?: boolean };
  return expose === true && status !== undefined && status >= 400 && status < 500 ? status : undefined;
}
