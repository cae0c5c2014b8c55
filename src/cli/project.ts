import { loadModuleEnv } from '../config/env.js';
import type { ExpectedSchema } from '../service-callbacks/setup/database-faults.js';
import { CommandError } from './errors.js';

type Source = Readonly<Record<string, string | undefined>>;

/** Where a command works. */
export interface Databases {
  /** Without a pooler in between, where that is known. */
  readonly url: string;
  /** Of the queue; none: it is on Redis. */
  readonly queueUrl: string | undefined;
}

/** What the commands are for: the module in a host, or the service around it. */
export interface Project {
  readonly schema: ExpectedSchema;
  readonly withDatabases: <T>(use: (databases: Databases) => Promise<T>) => Promise<T>;
}

/** What the commands read of the environment; a deployment that migrates needs no keys or tokens for it. */
const VARIABLES = [
  'DATABASE_URL',
  'DATABASE_DIRECT_URL',
  'QUEUE_BACKEND',
  'QUEUE_DATABASE_URL',
  'REDIS_URL',
  'DATA_DIR',
];

/** @throws InvalidEnvironmentError */
export function databaseEnv(source: Source) {
  const { DATABASE_URL, DATABASE_DIRECT_URL, QUEUE_BACKEND, QUEUE_DATABASE_URL, DATA_DIR } = loadModuleEnv(
    Object.fromEntries(VARIABLES.map((name) => [name, source[name]])),
  );
  return {
    url: DATABASE_DIRECT_URL ?? DATABASE_URL,
    dataDir: DATA_DIR,
    databases: (url: string): Databases => ({
      url,
      queueUrl: QUEUE_BACKEND === 'postgres' ? (QUEUE_DATABASE_URL ?? url) : undefined,
    }),
  };
}

export function noDatabaseUrl(): CommandError {
  return new CommandError(
    'DATABASE_URL is not set: name the database, such as postgres://user:password@host:5432/database',
  );
}
