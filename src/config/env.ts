import { InvalidEnvironmentError, shown, unknownSetting, type SettingProblem } from './errors.js';
import { nearestName } from './nearest-name.js';
import { brokenRules, isProduction } from './rules.js';
import type { DefaultContext, Setting } from './setting.js';
import { service } from './settings.js';
import { variables, type Env, type VariableName } from './variables.js';

/** The raw environment; an empty text counts as not set. */
export type EnvSource = Readonly<Record<string, string | undefined>>;

export interface LoadEnvOptions {
  /** Whether standard output is a terminal: it decides the default format of the log. */
  readonly isTerminal?: boolean;
}

const ofService: ReadonlySet<string> = new Set(Object.keys(service));

/** Variables with this prefix belong to this package. */
const PREFIX = 'CALLBACK_';

/**
 * Reads and validates the whole environment, once, at start.
 *
 * @throws InvalidEnvironmentError naming every bad variable, each on a line of its own, unknown `CALLBACK_*` variables
 * included
 */
export function loadEnv(source: EnvSource, { isTerminal = false }: LoadEnvOptions = {}): Env {
  return load(source, isTerminal, unknownVariables(source));
}

/**
 * Reads what the module needs in a host's process. Settings of the service have their defaults.
 *
 * @throws InvalidEnvironmentError like `loadEnv`, but not for unknown `CALLBACK_*` variables: a host may have its own
 */
export function loadModuleEnv(source: EnvSource): Env {
  const own = Object.entries(source).filter(([name]) => !ofService.has(name));
  return load(Object.fromEntries(own), false);
}

/** `CALLBACK_*` variables that are set and that nothing reads, each with the name that was probably meant. */
export function unknownVariables(source: EnvSource) {
  return Object.keys(source)
    .filter((name) => name.startsWith(PREFIX) && isSet(source[name]) && !variables.has(name as VariableName))
    .map((name) => ({ name, meant: nearestName(name, [...variables.keys()]) }));
}

/** @param unknown unknown variables; only the service rejects them */
function load(source: EnvSource, isTerminal: boolean, unknown?: ReturnType<typeof unknownVariables>): Env {
  const context = { isProduction: isProduction(source), isTerminal };
  const values: Partial<Record<VariableName, unknown>> = {};
  const problems: SettingProblem[] = [];
  for (const [name, { setting }] of variables) {
    const reading = read(setting, source[name], context);
    if (reading === 'unreadable') problems.push(problem(name, source[name]));
    else values[name] = reading.value;
  }
  // `Env` has for each variable the type that its schema and its default give.
  const env = values as Partial<Env>;
  for (const { blames, reason } of brokenRules(env, { isHost: unknown === undefined }))
    problems.push(problem(blames, source[blames], reason));

  const order = [...variables.keys()] as string[];
  problems.sort((left, right) => order.indexOf(left.setting) - order.indexOf(right.setting));
  const known = new Map([...variables].map(([name, { setting }]) => [name as string, setting]));
  for (const { name } of unknown ?? []) problems.push(unknownSetting(name, source[name], known));
  if (problems.length > 0) throw new InvalidEnvironmentError(problems);
  return Object.freeze(env as Env);
}

function isSet(text: string | undefined): text is string {
  return text !== undefined && text !== '';
}

function read(
  { accepts, defaultFor }: Setting<unknown>,
  text: string | undefined,
  context: DefaultContext,
): { readonly value: unknown } | 'unreadable' {
  if (!isSet(text)) return { value: defaultFor(context) };
  const parsed = accepts.schema.safeParse(accepts.fromText(text));
  return parsed.success ? { value: parsed.data } : 'unreadable';
}

function problem(name: VariableName, text: string | undefined, reason?: string): SettingProblem {
  const variable = variables.get(name);
  if (!variable) throw new Error(`There is no variable ${name}`);
  const { accepts, defaultWords, isSecret }: Setting<unknown> = variable.setting;
  return {
    setting: name,
    value: isSet(text) ? shown(text, isSecret) : undefined,
    defaultWords,
    reason,
    accepted: accepts.words,
  };
}
