import type { Params } from 'nestjs-pino';
import pino, { type DestinationStream } from 'pino';
import pretty from 'pino-pretty';
import { GatheredOutput } from './gathered-output.js';

export interface LoggingOptions {
  readonly level: string;
  readonly format: 'json' | 'pretty';
  /** Where lines go. Default: standard output. */
  readonly stream?: DestinationStream;
}

/**
 * The second line of defence: nothing with these names should be logged in the first place (R15). Lines are
 * flat; as serializers these cost nothing where the name does not occur, which is every line.
 */
const REDACTED = [
  'authorization',
  'bearer_token',
  'bearerToken',
  'token',
  'to',
  'recipient',
  'payload',
  'document',
  'parameters',
];

export function loggingParams({ level, format, stream }: LoggingOptions): Params {
  const options: pino.LoggerOptions = {
    level,
    base: { pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { ...Object.fromEntries(REDACTED.map((name) => [name, redacted])), err: describeError },
  };
  const destination = stream ?? (format === 'pretty' ? prettyStream() : new GatheredOutput(process.stdout));
  // Requests are not logged: the events of the callbacks they cause are.
  return { pinoHttp: [{ ...options, autoLogging: false, quietReqLogger: true }, destination] };
}

function prettyStream(): DestinationStream {
  return pretty({
    colorize: process.stdout.isTTY,
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'pid,context',
    sync: true,
  });
}

function redacted(): string {
  return '[redacted]';
}

/** A database error carries its statement's parameters, which may be a recipient: only these leave here. */
function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: String(error) };
  const { code } = error as { code?: unknown };
  return {
    type: error.name,
    message: error.message,
    stack: error.stack,
    ...(code !== undefined && { code }),
  };
}
