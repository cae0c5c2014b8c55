import { Injectable } from '@nestjs/common';
import { Logger } from 'nestjs-pino';

/** Contexts of Nest that log a line for each module and each route. */
const NEST_STARTUP: ReadonlySet<unknown> = new Set([
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestApplication',
]);

/** The service's logger. Nest's own messages at the start have the level debug. */
@Injectable()
export class ServiceLogger extends Logger {
  override log(message: unknown, ...optionalParams: unknown[]): void {
    if (NEST_STARTUP.has(optionalParams.at(-1))) super.debug(message, ...optionalParams);
    else super.log(message, ...optionalParams);
  }
}
