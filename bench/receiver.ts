import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** The receivers whose arrivals are counted. */
export type CountedKind = 'ok' | 'mass' | 'flaky';

export type ReceiverCommand =
  | { readonly kind: 'await'; readonly of: CountedKind; readonly count: number }
  | { readonly kind: 'reset' }
  /** `/mass` responds with 503 while it is broken. */
  | { readonly kind: 'break'; readonly broken: boolean }
  /** @property lastMs for `recent` */
  | { readonly kind: 'report'; readonly lastMs: number };

export type ReceiverReport =
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'wave' }
  | {
      readonly kind: 'seen';
      /** At `/ok` the time since the intended moment, at `/flaky` the time since the attempt before, ms. */
      readonly delays: number[];
      readonly arrivals: Readonly<Record<CountedKind, number>>;
      /** The last arrival, ms since the epoch. */
      readonly lastAt: number;
      /** Requests without a response, now and at most. */
      readonly open: number;
      readonly peakOpen: number;
      /** Arrivals at `/mass` of callbacks that had arrived before. */
      readonly repeats: number;
      /** Arrivals at `/mass` in the last `lastMs`. */
      readonly recent: number;
    };

type Seen = Extract<ReceiverReport, { kind: 'seen' }>;

/** The receivers' process, as the bench uses it. */
export class Receiver {
  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
  ) {}

  static async start(): Promise<Receiver> {
    const child = fork(fileURLToPath(new URL('./receiver-process.js', import.meta.url)));
    const [report] = (await once(child, 'message')) as [Extract<ReceiverReport, { kind: 'listening' }>];
    return new Receiver(child, `http://127.0.0.1:${report.port}`);
  }

  reset(): void {
    this.send({ kind: 'reset' });
  }

  /** While broken, `/mass` responds with 503. */
  break(broken: boolean): void {
    this.send({ kind: 'break', broken });
  }

  /** Resolves when this many have arrived since the reset, or after `timeoutMs`; returns which. */
  async arrivals(count: number, timeoutMs: number, of: CountedKind = 'ok'): Promise<boolean> {
    const wave = this.next('wave');
    this.send({ kind: 'await', of, count });
    const { promise: late, resolve } = Promise.withResolvers<false>();
    const timer = setTimeout(() => resolve(false), timeoutMs);
    const reached = await Promise.race([wave.then(() => true), late]);
    clearTimeout(timer);
    return reached;
  }

  async report(lastMs = 0): Promise<Seen> {
    const report = this.next('seen');
    this.send({ kind: 'report', lastMs });
    return (await report) as Seen;
  }

  async stop(): Promise<void> {
    const exited = once(this.child, 'exit');
    this.child.disconnect();
    await exited;
  }

  private send(command: ReceiverCommand): void {
    this.child.send(command);
  }

  private next(kind: ReceiverReport['kind']): Promise<ReceiverReport> {
    return new Promise((resolve) => {
      const onMessage = (report: ReceiverReport) => {
        if (report.kind !== kind) return;
        this.child.off('message', onMessage);
        resolve(report);
      };
      this.child.on('message', onMessage);
    });
  }
}
