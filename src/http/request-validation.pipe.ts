import {
  BadRequestException,
  Injectable,
  NotFoundException,
  StandardSchemaValidationPipe,
  type ArgumentMetadata,
} from '@nestjs/common';

/**
 * Checks what a handler declares a schema for. A bad body or query is a 400 with one message a problem; a
 * path that cannot name anything is a 404, as it is in GOV.UK Notify's API.
 */
@Injectable()
export class RequestValidationPipe extends StandardSchemaValidationPipe {
  constructor() {
    super({ exceptionFactory: (issues) => new BadRequestException(issues.map((issue) => issue.message)) });
  }

  override async transform<T>(value: T, metadata: ArgumentMetadata): Promise<T> {
    try {
      return (await super.transform(value, metadata)) as T;
    } catch (error) {
      if (metadata.type === 'param' && error instanceof BadRequestException) {
        throw new NotFoundException(`${metadata.data} ${JSON.stringify(value)} does not exist`);
      }
      throw error;
    }
  }
}
