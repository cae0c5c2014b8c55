import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';
import { variables, type VariableName } from '../../src/config/variables.js';
import { exitOf, stopChild, type Exit } from './child.js';
import { Feed } from './feed.js';
import { parseLogLine, type LogLine } from './log-line.js';
import { DELIVERY } from './scenarios.js';

export interface ServiceProcess {
  readonly url: string;
  readonly log: Feed<LogLine>;
  /** Stops it with SIGTERM; it must exit with code 0. */
  stop(): Promise<Exit>;
}

/** Lines of standard error that are shown when the service fails. */
const LAST_LINES = 30;

/** Starts the built service as it is deployed, on the embedded PostgreSQL in `dataDir`. */
export async function startService(dataDir: string, signal: AbortSignal): Promise<ServiceProcess> {
  const log = new Feed<LogLine>();
  const complaints: string[] = [];
  const child = spawn(
    process.execPath,
    [
      '--enable-source-maps',
      '--import',
      new URL('./end-with-parent.js', import.meta.url).href,
      fileURLToPath(new URL('../../src/main.js', import.meta.url)),
    ],
    // Detached, so that Ctrl-C reaches only the demo, which then stops its children in order.
    { env: environment(dataDir), stdio: ['ignore', 'pipe', 'pipe', 'ipc'], detached: true },
  );
  eachLine(child.stdout, (line) => {
    const parsed = parseLogLine(line);
    if (parsed) log.push(parsed);
    else complaints.push(line);
  });
  eachLine(child.stderr, (line) => complaints.push(line));
  const exit = exitOf(child);
  void exit.then(({ words }) => {
    log.end(new Error([`The service ${words}.`, ...complaints.slice(-LAST_LINES)].join('\n')));
  });
  const stop = async () => {
    await stopChild(child);
    return exit;
  };
  try {
    const url = await log.waitFor(listeningAt, signal);
    return { url, log, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function eachLine(stream: Readable | null, use: (line: string) => void): void {
  if (stream) createInterface({ input: stream }).on('line', use);
}

/** Variables of the service in the demo's own environment are for another service. */
function environment(dataDir: string): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !variables.has(name as VariableName));
  return {
    ...Object.fromEntries(inherited),
    // This process reads the output, so it is JSON on any terminal.
    NO_COLOR: '1',
    HOST: '127.0.0.1',
    PORT: '0',
    DATA_DIR: dataDir,
    LOG_FORMAT: 'json',
    LOG_LEVEL: 'debug',
    CALLBACK_ALLOW_HTTP: 'true',
    CALLBACK_ALLOWED_NETWORKS: '127.0.0.0/8',
    CALLBACK_TIMEOUT_MS: String(DELIVERY.timeoutMs),
    CALLBACK_MAX_RETRIES: String(DELIVERY.maxRetries),
    CALLBACK_RETRY_DELAY_MS: String(DELIVERY.retryDelayMs),
    CALLBACK_RETRY_MAX_DELAY_MS: String(DELIVERY.retryMaxDelayMs),
  };
}

function listeningAt(lines: readonly LogLine[]): string | undefined {
  return lines.find(({ event }) => event === 'service.listening')?.url;
}
