import type { Accepted } from './accepted-values.js';

/** What a default may depend on. */
export interface DefaultContext {
  readonly isProduction: boolean;
  /** Whether standard output is a terminal. */
  readonly isTerminal: boolean;
}

/** One variable of the environment, with all that is known about it. */
export interface Variable<T> {
  /** What it does, for the README: one line. */
  readonly description: string;
  readonly accepts: Accepted<T>;
  /** The value when it is not set. */
  readonly defaultOf: (context: DefaultContext) => T;
  /** The default in words. */
  readonly defaultWords: string;
  /** Its value is never shown. */
  readonly secret: boolean;
}

interface Definition<T> {
  readonly description: string;
  readonly accepts: Accepted<T>;
  readonly secret?: true;
}

/** A variable with a value of its own when it is not set. */
export function variable<T extends string | number | boolean>(
  definition: Definition<T> & {
    readonly default: NoInfer<T>;
    /** The default as one would write it, where that is not the value itself. */
    readonly defaultText?: string;
  },
): Variable<T> {
  const { default: value, defaultText = `${value}`, ...rest } = definition;
  return { secret: false, ...rest, defaultOf: () => value, defaultWords: `\`${defaultText}\`` };
}

/** A variable whose default depends on where the process runs. */
export function variableByContext<T>(
  definition: Definition<T> & {
    readonly defaultOf: (context: DefaultContext) => NoInfer<T>;
    readonly defaultWords: string;
  },
): Variable<T> {
  return { secret: false, ...definition };
}

/** A variable that may be absent. */
export function optional<T>(
  definition: Definition<T> & { readonly defaultWords: string },
): Variable<T | undefined> {
  const { schema, words } = definition.accepts;
  return { secret: false, ...definition, accepts: { schema, words }, defaultOf: () => undefined };
}

/** A list, empty when it is not set. */
export function variableList<T>(
  definition: Definition<readonly T[]> & { readonly defaultWords?: string },
): Variable<readonly T[]> {
  return { secret: false, defaultWords: 'none', ...definition, defaultOf: () => [] };
}
