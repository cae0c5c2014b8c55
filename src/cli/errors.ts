import { InvalidEnvironmentError, InvalidOptionsError } from '../config/errors.js';
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

/** The text for standard error. It has a stack only if the cause is unknown. */
export function explain(error: unknown): string {
  if (EXPLAINED.some((known) => error instanceof known)) return (error as Error).message;
  return databaseTrouble(error) ?? stacksOf(error);
}

/** @returns undefined if the error is not about the database or the connection to it */
function databaseTrouble(error: unknown): string | undefined {
  const { code, message, errors } = error as { code?: unknown; message?: unknown; errors?: unknown };
  if (typeof code !== 'string' || typeof message !== 'string') return undefined;
  if (/^E[A-Z]+$/.test(code)) {
    const tried = Array.isArray(errors) ? errors.map((each: Error) => each.message).join(', ') : message;
    return `The database cannot be reached: ${tried}`;
  }
  // 28: invalid authorization. 3D000: no such database.
  if (code.startsWith('28') || code === '3D000') return `The database does not let this user in: ${message}`;
  if (code === '42501') return `The database user may not do this: ${message}`;
  if (code === '42P01') return `The database is not up to date (${message}): run service-callbacks migrate`;
  return undefined;
}
