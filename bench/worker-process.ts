import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { BackendName } from './options.js';
import type { Stores } from './lab.js';
import { environmentOf } from './environment.js';
import { usageOf, type Usage } from './process-usage.js';

/** The program: the service, a plain BullMQ worker, or a client without a queue. */
export type WorkerKind = 'service' | 'plain-axios' | 'undici-alone';

/**
 * The flags of `npm start`. docs/performance.md says why the young generation is larger than Node's.
 */
const NODE_FLAGS = ['--v8-pool-size=0', '--max-semi-space-size=64', '--max-old-space-size=1024'];

const PROGRAMS: Readonly<Record<WorkerKind, string>> = {
  service: '../src/main.js',
  'plain-axios': './baseline-worker.js',
  'undici-alone': './undici-alone.js',
};

/** Ends with the bench, however that ends. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** A process of its own, so that its CPU is its own. */
export class WorkerProcess {
  private constructor(
    private readonly child: ChildProcess,
    /** The URL of its API; empty if it has none. */
    readonly url: string,
  ) {}

  static start(
    kind: WorkerKind,
    backend: BackendName,
    stores: Stores,
    own: Readonly<Record<string, string>>,
  ): Promise<WorkerProcess> {
    const program = fileURLToPath(new URL(PROGRAMS[kind], import.meta.url));
    const environment = environmentOf(backend, stores, {
      PROCESS_ROLE: 'worker',
      MIGRATE_ON_START: 'false',
      ...own,
    });
    return WorkerProcess.run(program, environment);
  }

  /** @param program of any release of the service */
  static async run(program: string, environment: Readonly<Record<string, string>>): Promise<WorkerProcess> {
    const child = spawn(process.execPath, [...NODE_FLAGS, program], {
      env: { PATH: process.env.PATH, ...environment },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    running.add(child);
    child.once('exit', () => running.delete(child));
    return new WorkerProcess(child, await listening(child));
  }

  usage(): Usage {
    return usageOf(this.child.pid ?? 0);
  }

  /** Does not wait for attempts that hang. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exited;
  }
}

/**
 * Reads the log up to the line that is needed. The rest is written and discarded.
 * @returns the URL that it listens on
 */
function listening(child: ChildProcess): Promise<string> {
  return new Promise<string>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the worker ended with code ${code} before it was ready`)));
    let read: string | undefined = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      if (read === undefined) return;
      read += chunk.toString();
      const line = /^.*service\.listening.*\}$/m.exec(read)?.[0];
      if (line === undefined) return;
      read = undefined;
      resolve((JSON.parse(line) as { url?: string }).url ?? '');
    });
  });
}
