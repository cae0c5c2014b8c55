import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { LogCapture } from '../logs.js';
import { restApi, TEST_ENVIRONMENT, type Environment, type RestApi } from '../service.js';

/** The real service in a process of its own, which a test can end in any way. */
export interface ServiceProcess extends RestApi {
  readonly pid: number;
  readonly logs: LogCapture;
  /** Settles with how it ended. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  signal(signal: NodeJS.Signals): void;
  /** SIGKILL, and waits until it has ended. */
  kill(): Promise<void>;
}

/** Death is noticed fast, or these tests would wait for half a minute each. */
export const FAST_LOCKS: Environment = {
  QUEUE_LOCK_DURATION_MS: '4000',
  QUEUE_STALLED_INTERVAL_MS: '500',
};

const SUPPORT = join(import.meta.dirname, '..');
const ROOT = join(SUPPORT, '..', '..');
const START_TIMEOUT_MS = 90_000;

/** @param preload modules that the process imports before the service. */
export async function startServiceProcess(
  environment: Environment,
  preload: readonly string[] = [],
): Promise<ServiceProcess> {
  const imports = [join(SUPPORT, 'register-typescript.mjs'), ...preload].flatMap((file) => [
    '--import',
    file,
  ]);
  const child = spawn(process.execPath, [...imports, join(ROOT, 'src', 'main.ts')], {
    cwd: ROOT,
    env: {
      PATH: process.env['PATH'],
      NODE_COMPILE_CACHE: join(tmpdir(), 'service-callbacks-compile-cache'),
      ...TEST_ENVIRONMENT,
      ...FAST_LOCKS,
      MIGRATE_ON_START: 'false',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const logs = new LogCapture();
  const complaints: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    // Before there is a logger, a failed start writes text for people; a killed process may write half a line.
    if (line.startsWith('{') && line.endsWith('}')) logs.write(`${line}\n`);
    else complaints.push(line);
  });
  createInterface({ input: child.stderr }).on('line', (line) => complaints.push(line));
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  const died = ended.then(({ code, signal }) => {
    throw new Error(
      `The service ended with ${signal ?? `code ${code}`}: ${complaints.slice(-20).join('\n')}`,
    );
  });
  const [listening] = await Promise.race([
    logs.waitFor('service.listening', {}, { timeoutMs: START_TIMEOUT_MS }),
    died,
  ]);
  died.catch(() => undefined);
  return {
    ...restApi(String(listening?.['url'])),
    pid: child.pid ?? 0,
    logs,
    ended,
    signal: (signal) => void child.kill(signal),
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
