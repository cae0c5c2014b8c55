import { EventEmitter, once } from 'node:events';

/** A parsed line of the log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly level: number; readonly event?: string };

/** Which lines: those that have all of these fields with these values. */
export type LogFields = Readonly<Record<string, unknown>>;

/** pino's number of `error`: from this level on, a line is a fault of this platform. */
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

/** Replaces standard output: tests treat the log as a contract. */
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

  /** The lines of one callback, in order. */
  ofCallback(callbackId: string): LogLine[] {
    return this.lines.filter((line) => line['callback_id'] === callbackId);
  }

  /** The lines that only this platform's own faults may cause. */
  errors(): LogLine[] {
    return this.lines.filter((line) => line.level >= ERROR_LEVEL);
  }

  /** Resolves with the first `count` matching lines, as soon as they exist. */
  waitFor(event: string, where: LogFields = {}, options: LogWaitOptions = {}): Promise<LogLine[]> {
    return this.wait(() => this.events(event, where), `${event} ${JSON.stringify(where)}`, options);
  }

  /** Resolves with the line of a callback's end, as soon as it exists. */
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
    // Unlike a timer, it does not keep the process alive after its caller has gone on.
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
