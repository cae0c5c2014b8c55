/** What a log line has of an error. */
export interface ErrorDescription {
  readonly name: string;
  readonly message: string;
  readonly code?: string | number;
  readonly stack?: string;
  readonly cause?: ErrorDescription;
  /** Of an `AggregateError`. */
  readonly errors?: readonly ErrorDescription[];
}

/** A chain may be a circle. */
const MAX_DEPTH = 8;
const MAX_ERRORS = 10;

/**
 * For a log line's `err`, so that any logger shows the whole chain and nothing else: a driver's error also carries
 * a statement's parameters, a row's values (`detail`, `where`) or a request's headers, and with them recipients and
 * tokens.
 * @param error whatever was thrown; a description stays what it is
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

/** Names alone: values may be anything. */
function keysOf(value: object): string {
  return Object.keys(value).join(', ') || 'no keys';
}

/** The same as text, for a process that has no logger yet, or none any more. */
export function stacksOf(error: unknown): string {
  const { name, message, stack = `${name}: ${message}`, cause, errors = [] } = describeError(error);
  return [stack, ...(cause ? [`Caused by: ${stacksOf(cause)}`] : []), ...errors.map(stacksOf)].join('\n');
}
