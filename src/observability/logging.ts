import type { Params } from 'nestjs-pino';
import pino, { type DestinationStream } from 'pino';
import pretty from 'pino-pretty';
import { describeError } from './describe-error.js';
import { GatheredOutput } from './gathered-output.js';

export interface LoggingOptions {
  readonly level: string;
  readonly format: 'json' | 'pretty';
  /** Where lines go. Default: standard output. */
  readonly stream?: DestinationStream;
}

/**
 * The second line of defence: nothing with these names should be logged in the first place. Lines are
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
    serializers: {
      ...Object.fromEntries(REDACTED.map((name) => [name, redacted])),
      err: (error: unknown) => describeError(error),
      // pino-http makes a logger with each request in it.
      req: () => undefined,
    },
  };
  const destination =
    format === 'pretty' ? prettyStream(stream) : (stream ?? new GatheredOutput(process.stdout));
  return {
    pinoHttp: [
      {
        ...options,
        // pino-http would pass the serializer of `err` what its own has made of the error.
        wrapSerializers: false,
        // Requests are not logged: the events of the callbacks they cause are.
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
