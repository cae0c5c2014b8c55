import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { BackendName } from './options.js';
import type { Stores } from './lab.js';
import { environmentOf } from './environment.js';
import { usageOf, type Usage } from './process-usage.js';

/** What takes the jobs: the service itself, or one of the baselines. */
export type WorkerKind = 'service' | 'plain-axios' | 'bare-undici' | 'noop';

/**
 * As `npm start` has it. Left to itself, Node on a machine with much memory keeps what it no longer needs for long:
 * docs/performance.md has what that comes to.
 */
const NODE_FLAGS = ['--max-semi-space-size=32', '--max-old-space-size=1024'];

/** A worker in a process of its own, so that its CPU is its own. */
export class WorkerProcess {
  private constructor(private readonly child: ChildProcess) {}

  static async start(
    kind: WorkerKind,
    backend: BackendName,
    stores: Stores,
    own: Readonly<Record<string, string>>,
  ): Promise<WorkerProcess> {
    const program = kind === 'service' ? '../src/main.js' : './baseline-worker.js';
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
    await untilListening(child);
    return new WorkerProcess(child);
  }

  usage(): Usage {
    return usageOf(this.child.pid ?? 0);
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await exited;
  }

  /** Does not wait for attempts that hang. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exited;
  }
}

/** The log is read to its first line that matters and thrown away after: it is written all the same. */
async function untilListening(child: ChildProcess): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the worker ended with code ${code} before it was ready`)));
    child.stdout?.on('data', (chunk: Buffer) => {
      if (chunk.includes('service.listening')) resolve();
    });
  });
}
