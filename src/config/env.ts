import { rules, type EnvironmentRule } from './env.rules.js';
import { variables, type Env, type VariableName } from './env.variables.js';
import { InvalidEnvironmentError, type EnvironmentProblem } from './invalid-environment.error.js';
import type { DefaultContext, Variable } from './variable.js';

export type { Env } from './env.variables.js';
export { InvalidEnvironmentError } from './invalid-environment.error.js';

/** The raw environment; an empty text counts as not set. */
export type EnvSource = Readonly<Record<string, string | undefined>>;

export interface LoadEnvOptions {
  /** Whether standard output is a terminal, which decides how the log looks by default. */
  readonly isTerminal?: boolean;
}

const MASK = '***';

const names = Object.keys(variables) as VariableName[];

/** What the service alone reads: a host may have variables of these names for itself. */
const SERVICE_ONLY: ReadonlySet<string> = new Set<VariableName>([
  'HOST',
  'PORT',
  'PROCESS_ROLE',
  'DATABASE_POOL_SIZE',
  'API_TOKENS',
  'API_RATE_LIMIT',
  'TRUSTED_PROXIES',
  'CONSOLE',
  'LOG_LEVEL',
  'LOG_FORMAT',
]);

/**
 * Reads and validates the whole environment, once, at start.
 *
 * @throws InvalidEnvironmentError naming every bad variable at once, each on a line of its own
 */
export function loadEnv(source: EnvSource, options: LoadEnvOptions = {}): Env {
  return load(source, options, rules);
}

/**
 * Reads what the module needs in a host's process; what only the service reads has its default.
 *
 * @throws InvalidEnvironmentError as `loadEnv`
 */
export function loadModuleEnv(source: EnvSource): Env {
  const own = Object.entries(source).filter(([name]) => !SERVICE_ONLY.has(name));
  return load(
    Object.fromEntries(own),
    {},
    rules.filter((rule) => rule.ofService !== true),
  );
}

function load(
  source: EnvSource,
  { isTerminal = false }: LoadEnvOptions,
  ruling: readonly EnvironmentRule[],
): Env {
  const context = { isProduction: source['NODE_ENV'] === 'production', isTerminal };
  const values: Partial<Record<VariableName, unknown>> = {};
  const reasons = new Map<VariableName, string | undefined>();
  for (const name of names) {
    const reading = read(variables[name], source[name], context);
    if (reading === 'unreadable') reasons.set(name, undefined);
    else values[name] = reading.value;
  }

  // `Env` says of each variable what its schema and its default give.
  const env = values as Partial<Env>;
  for (const { blames, reason, isBroken } of ruling) {
    // One line a variable: what is unreadable is not missing as well.
    if (!reasons.has(blames) && isBroken(env)) reasons.set(blames, reason);
  }
  if (reasons.size === 0) return Object.freeze(env as Env);
  const blamed = names.filter((name) => reasons.has(name));
  throw new InvalidEnvironmentError(blamed.map((name) => problem(name, source[name], reasons.get(name))));
}

function read(
  { accepts, defaultOf }: Variable<unknown>,
  text: string | undefined,
  context: DefaultContext,
): { readonly value: unknown } | 'unreadable' {
  if (text === undefined || text === '') return { value: Object.freeze(defaultOf(context)) };
  const parsed = accepts.schema.safeParse(text);
  return parsed.success ? { value: Object.freeze(parsed.data) } : 'unreadable';
}

function problem(
  variable: VariableName,
  text: string | undefined,
  reason: string | undefined,
): EnvironmentProblem {
  const { accepts, defaultWords, secret } = variables[variable];
  return {
    variable,
    // Quoted, so that blanks are seen and a line break stays on the line.
    value: text === undefined || text === '' ? undefined : secret ? MASK : JSON.stringify(text),
    defaultWords,
    reason,
    accepted: accepts.words,
  };
}
