import { BadRequestException, Injectable, type ArgumentMetadata } from '@nestjs/common';
import { RequestValidationPipe } from './request-validation.pipe.js';

/** A body that its schema takes, or what is wrong with it: for a handler that may find more. */
export interface CheckedBody<T> {
  /** As it came. */
  readonly input: unknown;
  /** None where there are problems. */
  readonly value?: T;
  readonly problems: readonly string[];
}

/** Checks like {@link RequestValidationPipe}, but leaves it to the handler to refuse a body. */
@Injectable()
export class CheckedBodyPipe extends RequestValidationPipe {
  override async transform<T>(value: T, metadata: ArgumentMetadata): Promise<T> {
    if (metadata.type !== 'body') return super.transform(value, metadata);
    return (await this.check(value, metadata)) as T;
  }

  private async check<T>(input: T, metadata: ArgumentMetadata): Promise<CheckedBody<T>> {
    try {
      return { input, value: await super.transform(input, metadata), problems: [] };
    } catch (error) {
      if (!(error instanceof BadRequestException)) throw error;
      const { message } = error.getResponse() as { message: string[] };
      return { input, problems: message };
    }
  }
}
