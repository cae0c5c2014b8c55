import type { Accepted } from './accepted-values.js';

/** What a default can depend on. */
export interface DefaultContext {
  readonly isProduction: boolean;
  /** Whether standard output is a terminal. */
  readonly isTerminal: boolean;
}

/** The context of options that a host gives in code. */
export const IN_CODE: DefaultContext = { isProduction: false, isTerminal: false };

/** One setting of the module or of the service. Its description is its doc comment. */
export interface Setting<T, Variable extends string = string> {
  readonly accepts: Accepted<NonNullable<T>>;
  /** Its variable; absent if only code can set it. */
  readonly variable: Variable | undefined;
  /** The value when it is not set. */
  readonly defaultFor: (context: DefaultContext) => T;
  /** The default in words. */
  readonly defaultWords: string;
  /** Its value never appears in a message. */
  readonly isSecret: boolean;
  /** Code must give it. A default, if there is one, holds for the environment only. */
  readonly isRequired: boolean;
}

/** Settings by their option name, or by their variable if there is no option. */
export type Settings = Readonly<Record<string, Setting<unknown>>>;

export type ValueOf<S> = S extends Setting<infer T> ? T : never;

/** The complete values of all settings. */
export type Values<S> = { readonly [Name in keyof S]: ValueOf<S[Name]> };

/** The values if nothing is set. */
export function defaultsOf<Group extends Settings>(settings: Group): Values<Group> {
  const defaults = Object.entries(settings).map(([name, { defaultFor }]) => [name, defaultFor(IN_CODE)]);
  return Object.fromEntries(defaults) as Values<Group>;
}

interface Definition<T, Variable extends string> {
  readonly accepts: Accepted<T>;
  readonly variable?: Variable;
  readonly defaultWords?: string;
  readonly isSecret?: true;
  readonly isRequired?: true;
}

/** A setting with a default. */
export function setting<T, const Variable extends string = never>({
  default: value,
  ...definition
}: Definition<T, Variable> & {
  readonly default: NoInfer<T> | ((context: DefaultContext) => NoInfer<T>);
}): Setting<T, Variable> {
  if (Array.isArray(value)) Object.freeze(value);
  const words = Array.isArray(value) ? 'none' : `\`${String(value)}\``;
  return {
    variable: undefined,
    defaultWords: words,
    isSecret: false,
    isRequired: false,
    ...definition,
    accepts: definition.accepts as Accepted<NonNullable<T>>,
    defaultFor: typeof value === 'function' ? (value as (context: DefaultContext) => T) : () => value,
  };
}

/** A setting without a default, which may be absent. */
export function optional<T extends {}, const Variable extends string = never>(
  definition: Definition<T, Variable>,
): Setting<T | undefined, Variable> {
  return setting<T | undefined, Variable>({
    defaultWords: 'none',
    ...definition,
    default: undefined,
  });
}
