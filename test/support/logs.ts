import { EventEmitter, once } from 'node:events';

/** A parsed line of the log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly level: number; readonly event?: string };

/** Which lines: those that have all of these fields with these values. */
export type LogFields = Readonly<Record<string, unknown>>;

/** pino's number of `error`: from here on it is this platform's own fault. */
const ERROR_LEVEL = 50;

/** Every event that is the last one of a callback. */
const ENDS: readonly string[] = [
  'callback.delivered',
  'callback.not_retried',
  'callback.retries_exhausted',
  'callback.expired',
  'callback.cancelled',
  'callback.unreadable',
  'callback.stalled',
  'callback.disabled',
];

/** Stands where standard output would: the log is tested as the contract it is. */
export class LogCapture {
  readonly lines: LogLine[] = [];
  private readonly arrivals = new EventEmitter().setMaxListeners(0);

  /** pino's destination. */
  write(chunk: string): void {
    for (const line of chunk.split('\n')) {
      if (line === '') continue;
      this.lines.push(JSON.parse(line) as LogLine);
    }
    this.arrivals.emit('line');
  }

  events(event: string, where: LogFields = {}): LogLine[] {
    return this.lines.filter((line) => line.event === event && matches(line, where));
  }

  /** What was said of one callback, in order. */
  ofCallback(callbackId: string): LogLine[] {
    return this.lines.filter((line) => line['callback_id'] === callbackId);
  }

  /** The lines that only this platform's own faults may cause. */
  errors(): LogLine[] {
    return this.lines.filter((line) => line.level >= ERROR_LEVEL);
  }

  /** Resolves with the first `count` such lines, as soon as they are there. */
  waitFor(event: string, where: LogFields = {}, options: LogWaitOptions = {}): Promise<LogLine[]> {
    return this.wait(() => this.events(event, where), `${event} ${JSON.stringify(where)}`, options);
  }

  /** Resolves with the line that says how a callback ended, as soon as it is there. */
  async waitForEnd(callbackId: string, options: Omit<LogWaitOptions, 'count'> = {}): Promise<LogLine> {
    const ends = () => this.ofCallback(callbackId).filter(({ event }) => ENDS.includes(event ?? ''));
    const [line] = await this.wait(ends, `the end of ${callbackId}`, options);
    if (line === undefined) throw new Error('A wait for one line ended with none.');
    return line;
  }

  private async wait(
    matching: () => LogLine[],
    what: string,
    { count = 1, timeoutMs = 20_000 }: LogWaitOptions,
  ): Promise<LogLine[]> {
    // Unlike a timer it keeps no process alive where a caller has gone on without this.
    const signal = AbortSignal.timeout(timeoutMs);
    for (;;) {
      const found = matching();
      if (found.length >= count) return found.slice(0, count);
      await once(this.arrivals, 'line', { signal }).catch(() => {
        const seen = this.lines.filter((line) => line.event !== undefined).map((line) => line.event);
        throw new Error(`waited ${timeoutMs} ms for ${count} × ${what}; saw ${seen.join(', ')}`);
      });
    }
  }
}

export interface LogWaitOptions {
  readonly count?: number;
  readonly timeoutMs?: number;
}

function matches(line: LogLine, where: LogFields): boolean {
  return Object.entries(where).every(([key, value]) => line[key] === value);
}
