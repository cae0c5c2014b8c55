import { All, NotFoundException } from '@nestjs/common';
import { SessionPages } from './session-pages.decorator.js';

/** Listed last: whatever is in the console and nobody else's. */
@SessionPages('console')
export class NotFoundController {
  @All('*path')
  nothing(): never {
    throw new NotFoundException();
  }
}
