import type { Params } from 'nestjs-pino';
import pino, { type DestinationStream } from 'pino';
import pretty from 'pino-pretty';
import { describeError } from './describe-error.js';
import { GatheredOutput } from './gathered-output.js';

export interface LoggingOptions {
  readonly level: string;
  readonly format: 'json' | 'pretty';
  /** The destination of lines. Default: standard output. */
  readonly stream?: DestinationStream;
}

/**
 * A second line of defence: no line should have a field of these names. A serializer masks it, since that costs nothing
 * on a line without the field. Lines are flat.
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
    serializers: {
      ...Object.fromEntries(REDACTED.map((name) => [name, redacted])),
      err: (error: unknown) => describeError(error),
      // pino-http would make a logger for each request, with the request in it.
      req: () => undefined,
    },
  };
  const destination =
    format === 'pretty' ? prettyStream(stream) : (stream ?? new GatheredOutput(process.stdout));
  return {
    pinoHttp: [
      {
        ...options,
        // pino-http would pass this serializer the result of its own.
        wrapSerializers: false,
        // Requests are not logged; the events of the callbacks that they cause are.
        autoLogging: false,
        quietReqLogger: true,
      },
      destination,
    ],
  };
}

function prettyStream(destination?: DestinationStream): DestinationStream {
  return pretty({
    ...(destination && { destination }),
    colorize: destination === undefined && process.stdout.isTTY,
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'pid,context',
    sync: true,
  });
}

function redacted(): string {
  return '[redacted]';
}
