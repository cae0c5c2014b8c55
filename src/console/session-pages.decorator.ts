import { applyDecorators, Controller, UseFilters, UseGuards, VERSION_NEUTRAL } from '@nestjs/common';
import { ConsoleErrorFilter } from './console-error.filter.js';
import { InConsole } from './in-console.decorator.js';
import { SessionGuard } from './session/session.guard.js';

/** A controller of pages that need a session. */
export const SessionPages = (path: string) =>
  applyDecorators(
    Controller({ path, version: VERSION_NEUTRAL }),
    InConsole(),
    UseGuards(SessionGuard),
    UseFilters(ConsoleErrorFilter),
  );
