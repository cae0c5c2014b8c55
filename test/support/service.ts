import { loadEnv } from '../../src/config/env.js';
import { startService, type RunningService } from '../../src/service.js';
import { LogCapture } from './logs.js';
import { queueEnvironment } from './queue-backend.js';

/** Variables of the environment table. */
export type Environment = Readonly<Record<string, string>>;

/** Settings of every test: plain http to this machine, quick retries, a test key. */
export const TEST_ENVIRONMENT: Environment = {
  NODE_ENV: 'test',
  PORT: '0',
  // All levels: tests look in the log for what must not be in it, and a process has one logger.
  LOG_LEVEL: 'trace',
  LOG_FORMAT: 'json',
  CALLBACK_ALLOW_HTTP: 'true',
  CALLBACK_ALLOWED_NETWORKS: '127.0.0.0/8',
  CALLBACK_ENCRYPTION_KEYS: `test:${Buffer.alloc(32, 7).toString('base64')}`,
  CALLBACK_RETRY_DELAY_MS: '20',
  CALLBACK_RETRY_MAX_DELAY_MS: '100',
};

/** A service in this process or another, with the REST contract. */
export interface RestApi {
  readonly url: string;
  /** Sends a request and parses the response. A text is sent as it is, anything else as JSON. */
  call<Body = unknown>(
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<ApiResponse<Body>>;
}

export interface TestService extends RunningService, RestApi {
  readonly logs: LogCapture;
}

export interface ApiResponse<Body = unknown> {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed if it is JSON, otherwise the text. */
  readonly body: Body;
}

/**
 * nestjs-pino makes one root logger a process, for the first service: it writes to the captures of all that run.
 */
const captures = new Set<LogCapture>();
const logStream = {
  write: (chunk: string) => {
    for (const capture of captures) capture.write(chunk);
  },
};

/** The real service in this process, on a database of the test's own. */
export async function startTestService(
  databaseUrl: string,
  environment: Environment = {},
): Promise<TestService> {
  const logs = new LogCapture();
  const queue = await queueEnvironment();
  const env = loadEnv({ ...TEST_ENVIRONMENT, ...queue, DATABASE_URL: databaseUrl, ...environment });
  captures.add(logs);
  const forget = () => captures.delete(logs);
  try {
    const service = await startService(env, { logStream });
    return { ...service, ...restApi(service.url), logs, stop: () => service.stop().finally(forget) };
  } catch (error) {
    forget();
    throw error;
  }
}

export function restApi(url: string): RestApi {
  return {
    url,
    call: async <Body>(
      method: string,
      path: string,
      body?: unknown,
      headers: Readonly<Record<string, string>> = {},
    ): Promise<ApiResponse<Body>> => {
      const response = await fetch(`${url}${path}`, {
        method,
        headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, headers: response.headers, body: parse(text) as Body };
    },
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
