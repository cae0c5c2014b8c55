import { All, NotFoundException } from '@nestjs/common';
import { SessionPages } from './session-pages.decorator.js';

/** Listed last: serves every console path that no other controller serves. */
@SessionPages('console')
export class NotFoundController {
  @All('*path')
  nothing(): never {
    throw new NotFoundException();
  }
}
