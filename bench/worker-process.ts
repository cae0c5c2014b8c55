import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { BaselineKind } from './baseline-jobs.js';
import type { BackendName } from './options.js';
import type { Stores } from './lab.js';
import { environmentOf } from './environment.js';
import { usageOf, type Usage } from './process-usage.js';

/** What sends: the service itself, a baseline worker, or a client without a queue. */
export type WorkerKind = 'service' | BaselineKind | 'undici-alone';

/**
 * As `npm start` has it. Left to itself, Node on a machine with much memory keeps what it no longer needs for long,
 * and on one with two cores collects it with four threads: docs/performance.md has what that comes to.
 */
const NODE_FLAGS = ['--v8-pool-size=0', '--max-semi-space-size=32', '--max-old-space-size=1024'];

const PROGRAMS: Readonly<Partial<Record<WorkerKind, string>>> = {
  service: '../src/main.js',
  'undici-alone': './undici-alone.js',
};

/** Ends with the bench, however that ends. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** A worker in a process of its own, so that its CPU is its own. */
export class WorkerProcess {
  private reported = 0;

  private constructor(private readonly child: ChildProcess) {}

  static async start(
    kind: WorkerKind,
    backend: BackendName,
    stores: Stores,
    own: Readonly<Record<string, string>>,
  ): Promise<WorkerProcess> {
    const program = PROGRAMS[kind] ?? './baseline-worker.js';
    const child = spawn(
      process.execPath,
      [...NODE_FLAGS, fileURLToPath(new URL(program, import.meta.url)), kind],
      {
        env: {
          PATH: process.env.PATH,
          ...environmentOf(backend, stores, { PROCESS_ROLE: 'worker', MIGRATE_ON_START: 'false', ...own }),
        },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    running.add(child);
    child.once('exit', () => running.delete(child));
    const worker = new WorkerProcess(child);
    await worker.listening();
    return worker;
  }

  usage(): Usage {
    return usageOf(this.child.pid ?? 0);
  }

  /** Ends when it says that it has done so many, or is out of time. */
  async reach(count: number, timeoutMs: number): Promise<void> {
    const until = Date.now() + timeoutMs;
    while (this.reported < count && Date.now() < until)
      await new Promise((resolve) => setTimeout(resolve, 5));
  }

  /** What it says it has done; of most it is counted at the receiver. */
  done(): number {
    return this.reported;
  }

  /** Does not wait for attempts that hang. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exited;
  }

  /** The log is read to its first line that matters and thrown away after: it is written all the same. */
  private async listening(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.child.once('exit', (code) =>
        reject(new Error(`the worker ended with code ${code} before it was ready`)),
      );
      this.child.stdout?.on('data', (chunk: Buffer) => {
        if (chunk.includes('service.listening')) resolve();
        if (chunk.includes('bench.done')) this.reported = lastDone(chunk.toString()) ?? this.reported;
      });
    });
  }
}

function lastDone(lines: string): number | undefined {
  const [, done] = /.*"done":(\d+)/s.exec(lines) ?? [];
  return done === undefined ? undefined : Number(done);
}
