/** The fields of an error in a log line. */
export interface ErrorDescription {
  readonly name: string;
  readonly message: string;
  readonly code?: string | number;
  readonly stack?: string;
  readonly cause?: ErrorDescription;
  /** The errors of an `AggregateError`. */
  readonly errors?: readonly ErrorDescription[];
}

/** A chain of causes may be a circle. */
const MAX_DEPTH = 8;
const MAX_ERRORS = 10;

/**
 * Describes an error for a log line's `err`, so that any logger shows the whole chain of causes and nothing else. A
 * driver's error also has a statement's parameters, a row's values (`detail`, `where`) or a request's headers, and
 * these contain recipients and tokens.
 * @param error any thrown value; a description is returned as it is
 */
export function describeError(error: unknown, depth = 0): ErrorDescription {
  if (typeof error !== 'object' || error === null) return { name: typeof error, message: String(error) };
  const { name, message, code, stack, cause, errors } = error as Partial<
    Record<keyof ErrorDescription, unknown>
  >;
  const goesOn = depth < MAX_DEPTH;
  return {
    name: typeof name === 'string' ? name : 'object',
    message: typeof message === 'string' ? message : `not an error, but an object with ${keysOf(error)}`,
    ...((typeof code === 'string' || typeof code === 'number') && { code }),
    ...(typeof stack === 'string' && { stack }),
    ...(goesOn && cause !== undefined && { cause: describeError(cause, depth + 1) }),
    ...(goesOn &&
      Array.isArray(errors) && {
        errors: errors.slice(0, MAX_ERRORS).map((each) => describeError(each, depth + 1)),
      }),
  };
}

/** Names only: values may be secret. */
function keysOf(value: object): string {
  return Object.keys(value).join(', ') || 'no keys';
}

/** The description as text, for a process without a logger. */
export function stacksOf(error: unknown): string {
  const { name, message, stack = `${name}: ${message}`, cause, errors = [] } = describeError(error);
  return [stack, ...(cause ? [`Caused by: ${stacksOf(cause)}`] : []), ...errors.map(stacksOf)].join('\n');
}
