import { Catch, HttpException, type ArgumentsHost } from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';

/** The host's errors look like this. */
@Catch(HttpException)
export class ProblemFilter extends BaseExceptionFilter<HttpException> {
  override catch(error: HttpException, host: ArgumentsHost): void {
    const { message } = error.getResponse() as { readonly message: unknown };
    const response: unknown = host.switchToHttp().getResponse();
    this.httpAdapterHost?.httpAdapter.reply(response, { problem: message }, error.getStatus());
  }
}
