import { loadModuleEnv } from '../config/env.js';
import type { ExpectedSchema } from '../service-callbacks/setup/database-faults.js';
import { CommandError } from './errors.js';

type Source = Readonly<Record<string, string | undefined>>;

/** The databases that a command works on. */
export interface Databases {
  /** A direct connection, without a pooler, if one is configured. */
  readonly url: string;
  /** The queue's database; absent if the queue is on Redis. */
  readonly queueUrl: string | undefined;
}

/** What the commands are run for: a host of the module, or the service. */
export interface Project {
  readonly schema: ExpectedSchema;
  readonly withDatabases: <T>(use: (databases: Databases) => Promise<T>) => Promise<T>;
}

/** The variables that the commands read. A deployment that only migrates needs no keys or tokens. */
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
