import pg from 'pg';
import { explain } from './cli/errors.js';
import type { Env } from './config/variables.js';
import { connectionFault, reasonOf } from './database/connection-fault.js';
import { EmbeddedPostgresError } from './embedded-postgres/errors.js';
import { InvalidAlertUrlError } from './service-callbacks/endpoint-health/operators-endpoint.js';

/** The service lacks something that it needs to start. The message names the variable and what to do. */
class StartError extends Error {
  override readonly name = 'StartError';
}

/** Errors of the service only. */
const EXPLAINED = [StartError, InvalidAlertUrlError, EmbeddedPostgresError];

/** The user can correct these errors, so they are shown in words. Any other error is shown with its stack. */
export function explainStart(error: unknown): string {
  return EXPLAINED.some((known) => error instanceof known) ? (error as Error).message : explain(error);
}

const CONNECT_TIMEOUT_MS = 10_000;

/** @throws StartError naming the variable whose database cannot be used, and the reason */
export async function assertDatabases(env: Env): Promise<void> {
  for (const variable of ['DATABASE_URL', 'DATABASE_DIRECT_URL', 'QUEUE_DATABASE_URL'] as const) {
    const url = env[variable];
    if (url !== undefined) await assertConnects(variable, url);
  }
}

async function assertConnects(variable: string, url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  try {
    await client.connect();
  } catch (error) {
    throw new StartError(connectionFault(error, variable, client), { cause: error });
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** @returns the same error if it is not about the address to listen on */
export function listenError(error: unknown, { HOST, PORT }: Pick<Env, 'HOST' | 'PORT'>): unknown {
  const { code = '', syscall } = error as { readonly code?: string; readonly syscall?: string };
  if (syscall !== 'listen' && syscall !== 'getaddrinfo') return error;
  const found = `Cannot listen on HOST=${HOST} PORT=${PORT}: ${LISTEN_FAULTS[code] ?? reasonOf(error)}.`;
  return new StartError(found, { cause: error });
}

const LISTEN_FAULTS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process uses the port; end it, or set PORT to another one, 0 for any that is free',
  EACCES: 'this user may not use the port; set PORT to one from 1024',
  EADDRNOTAVAIL:
    'this machine does not have the address; set HOST to one that it has, such as 127.0.0.1 or 0.0.0.0',
  ENOTFOUND: 'no address is known for the name; set HOST to an IP address or another name',
};
