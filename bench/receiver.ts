import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export type ReceiverCommand =
  | { readonly kind: 'await'; readonly count: number }
  | { readonly kind: 'reset' }
  /** `/ok` answers 503 while it is broken. */
  | { readonly kind: 'break'; readonly broken: boolean }
  | { readonly kind: 'report' };

export type ReceiverReport =
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'wave' }
  | {
      readonly kind: 'delays';
      /** Of what arrived at `/ok`, ms after the intended moment. */
      readonly delays: number[];
      readonly hung: number;
      readonly held: number;
      readonly peakHeld: number;
    };

type Seen = Extract<ReceiverReport, { kind: 'delays' }>;

/** The receivers' process, seen from the bench. */
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
    this.child.send({ kind: 'reset' } satisfies ReceiverCommand);
  }

  /** While broken, `/ok` answers 503. */
  break(broken: boolean): void {
    this.child.send({ kind: 'break', broken } satisfies ReceiverCommand);
  }

  /** Resolves when so many have arrived at `/ok` since the reset, or after `timeoutMs`; says which. */
  async arrivals(count: number, timeoutMs: number): Promise<boolean> {
    const wave = this.next('wave');
    this.child.send({ kind: 'await', count } satisfies ReceiverCommand);
    const { promise: late, resolve } = Promise.withResolvers<false>();
    const timer = setTimeout(() => resolve(false), timeoutMs);
    const reached = await Promise.race([wave.then(() => true), late]);
    clearTimeout(timer);
    return reached;
  }

  async report(): Promise<Seen> {
    const report = this.next('delays');
    this.child.send({ kind: 'report' } satisfies ReceiverCommand);
    return (await report) as Seen;
  }

  async stop(): Promise<void> {
    const exited = once(this.child, 'exit');
    this.child.disconnect();
    await exited;
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
