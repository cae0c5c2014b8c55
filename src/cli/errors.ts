import { InvalidEnvironmentError, InvalidOptionsError } from '../config/errors.js';
import { connectionRemedy, reasonOf } from '../database/connection-fault.js';
import { stacksOf } from '../observability/describe-error.js';
import { InvalidCaFileError, InvalidEncryptionKeyError } from '../service-callbacks/security/errors.js';
import { SetupError } from '../service-callbacks/setup-error.js';

/** An error that the user can correct: its message is enough, and no stack is shown. */
export class CommandError extends Error {
  override readonly name: string = 'CommandError';
}

/** The command line is invalid; nothing was done. */
export class UsageError extends CommandError {
  override readonly name = 'UsageError';
}

const EXPLAINED = [
  CommandError,
  SetupError,
  InvalidEnvironmentError,
  InvalidOptionsError,
  InvalidCaFileError,
  InvalidEncryptionKeyError,
];

/** The variables that name the databases of a command. */
const URLS = 'DATABASE_URL or QUEUE_DATABASE_URL';

/** The text for standard error. It has a stack only if the cause is unknown. */
export function explain(error: unknown): string {
  if (EXPLAINED.some((known) => error instanceof known)) return (error as Error).message;
  return databaseTrouble(error) ?? stacksOf(error);
}

/** @returns undefined if the error is not about the database or the connection to it */
function databaseTrouble(error: unknown): string | undefined {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (typeof code !== 'string' || typeof message !== 'string') return undefined;
  const remedy = connectionRemedy(error, URLS);
  if (/^E[A-Z]+$/.test(code) || code === '3D000')
    return `The database cannot be reached: ${reasonOf(error)}. ${remedy}`;
  // 28: invalid authorization.
  if (code.startsWith('28')) return `The database does not let this user in: ${message}. ${remedy}`;
  if (code === '42501')
    return `The database user may not do this: ${message}. Grant it the right, or name a user who has it in ${URLS}.`;
  if (code === '42P01') return `The database is not up to date (${message}): run service-callbacks migrate`;
  return undefined;
}
