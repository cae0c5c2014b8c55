import { z } from 'zod';

/** The fields of the service's log that the demo reads. */
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

/** @returns undefined for other output, such as a line that a library printed */
export function parseLogLine(text: string): LogLine | undefined {
  try {
    return logLine.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Events after which a callback is still open. */
const OPEN_EVENTS: ReadonlySet<string> = new Set([
  'callback.queued',
  'callback.retrying',
  'callback.deferred',
  'callback.postponed',
]);

export function isLastEvent({ event }: LogLine): boolean {
  return event !== undefined && !OPEN_EVENTS.has(event);
}

/** Whether a request was made. The line of a deferral has the number of the next attempt, and no duration. */
export function isAttempt(line: LogLine): boolean {
  return line.attempt !== undefined && line.duration_ms !== undefined;
}

/** `503`, `timeout`: the result of an attempt. */
export function resultOf(line: LogLine): string {
  return String(line.status_code ?? line.error ?? 'unknown');
}
