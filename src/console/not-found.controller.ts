import { All, Controller, NotFoundException, UseFilters } from '@nestjs/common';
import { ConsoleErrorFilter } from './console-error.filter.js';
import { InConsole } from './in-console.decorator.js';

/** Listed last: whatever is in the console and nobody else's. */
@Controller('console')
@InConsole()
@UseFilters(ConsoleErrorFilter)
export class NotFoundController {
  @All('*path')
  nothing(): never {
    throw new NotFoundException();
  }
}
