import type { DestinationStream } from 'pino';

/**
 * Writes the lines of one turn of the event loop together: under load, a system call for each line was the largest item
 * in a worker's profile. No line waits longer than that turn; at exit the remaining lines are written.
 */
export class GatheredOutput implements DestinationStream {
  private lines = '';

  constructor(private readonly output: NodeJS.WritableStream) {
    process.once('exit', () => this.flush());
    // Deliveries continue if the reader of the log has gone.
    output.on('error', () => undefined);
  }

  write(line: string): void {
    if (this.lines === '') setImmediate(() => this.flush());
    this.lines += line;
  }

  private flush(): void {
    const lines = this.lines;
    this.lines = '';
    if (lines !== '') this.output.write(lines);
  }
}
