import { z } from 'zod';

/** A line of the service's log, as far as the demo reads it. */
const logLine = z.looseObject({
  level: z.number(),
  event: z.string().optional(),
  url: z.string().optional(),
  callback_id: z.string().nullish(),
  attempt: z.number().optional(),
  status_code: z.number().optional(),
  error: z.string().optional(),
  duration_ms: z.number().optional(),
  next_attempt_at: z.string().optional(),
});
export type LogLine = Readonly<z.infer<typeof logLine>>;

/** @returns undefined for what is no line of the log: what a library wrote by itself */
export function parseLogLine(text: string): LogLine | undefined {
  try {
    return logLine.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Events after which something still happens to a callback. */
const ON_ITS_WAY: ReadonlySet<string> = new Set([
  'callback.queued',
  'callback.retrying',
  'callback.deferred',
  'callback.postponed',
]);

export function isLastWord({ event }: LogLine): boolean {
  return event !== undefined && !ON_ITS_WAY.has(event);
}

/** Whether a line tells of a request that was made: a deferral names the attempt that it puts off. */
export function isAttempt(line: LogLine): boolean {
  return line.attempt !== undefined && line.duration_ms !== undefined;
}

/** `503`, `timeout`: how an attempt ended. */
export function resultOf(line: LogLine): string {
  return String(line.status_code ?? line.error ?? 'unknown');
}
