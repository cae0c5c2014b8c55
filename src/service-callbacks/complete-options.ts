import { InvalidOptionsError, shown, unknownSetting, type SettingProblem } from '../config/errors.js';
import { brokenRules } from '../config/rules.js';
import { IN_CODE, type Setting, type Settings, type Values } from '../config/setting.js';
import { keys, queueBackend, queues, sections } from '../config/settings.js';
import { variables, type VariableName } from '../config/variables.js';
import {
  codeSettings,
  extraSettings,
  type CompleteOptions,
  type ServiceCallbacksExtras,
  type ServiceCallbacksOptions,
} from './service-callbacks.options.js';

export type CompleteExtras = Values<typeof extraSettings>;

/**
 * Checks the options that a host's factory returned, and adds the defaults.
 * @throws InvalidOptionsError naming every bad or unknown option
 */
export function completeOptions(given: ServiceCallbacksOptions): CompleteOptions {
  const reader = new OptionsReader();
  const options = reader.readOptions(given, []);
  reader.finish();
  return options;
}

/**
 * Checks the argument of `forRoot`: extras and options together, so that one message names all.
 * @throws InvalidOptionsError
 */
export function rootExtras(given: ServiceCallbacksOptions & ServiceCallbacksExtras): CompleteExtras {
  const reader = new OptionsReader();
  reader.readOptions(given, Object.keys(extraSettings));
  const own = Object.entries(Object(given) as object).filter(([name]) => name in extraSettings);
  const extras = reader.read('', extraSettings, Object.fromEntries(own));
  reader.finish();
  return extras;
}

/** Where `forRootAsync` gets the options. */
const ASYNC_SOURCES = ['useFactory', 'useClass', 'useExisting'];
/** What Nest accepts there beside the extras. */
const ASYNC_NAMES = [...ASYNC_SOURCES, 'inject', 'provideInjectionTokensFrom'];

/**
 * Checks the argument of `forRootAsync` except the options that it leads to.
 * @throws InvalidOptionsError
 */
export function asyncExtras(given: ServiceCallbacksExtras): CompleteExtras {
  const reader = new OptionsReader();
  const extras = reader.read('', extraSettings, given, ASYNC_NAMES);
  reader.requireOne(ASYNC_SOURCES, given);
  reader.finish();
  return extras;
}

/** Checks what `forFeature` takes. @throws InvalidOptionsError */
export function assertCallbackTypes(given: unknown): void {
  const { schema, optionWords: accepted } = codeSettings.callbackTypes.accepts;
  if (schema.safeParse(given).success) return;
  const isCircular = [given].flat().includes(undefined);
  const reason = isCircular ? 'what is undefined here may come of files that import each other' : undefined;
  throw new InvalidOptionsError([{ setting: 'forFeature', value: shown(given, false), reason, accepted }]);
}

class OptionsReader {
  private readonly problems: SettingProblem[] = [];
  /** Values by the names of rules. */
  private readonly values: Partial<Record<string, unknown>> = {};

  /** @param others names that other code reads */
  read<Group extends Settings>(
    prefix: string,
    settings: Group,
    given: unknown = {},
    others: readonly string[] = [],
  ): Values<Group> {
    const known = new Map<string, Pick<Setting<unknown>, 'isSecret'>>([
      ...Object.entries(settings),
      ...others.map((name) => [name, { isSecret: false }] as const),
    ]);
    if (typeof given !== 'object' || given === null || Array.isArray(given)) {
      const accepted = `an object with ${[...known.keys()].join(', ')}`;
      const setting = prefix === '' ? 'options' : prefix.slice(0, -1);
      this.problems.push({ setting, value: shown(given, false), accepted });
      return {} as Values<Group>;
    }
    for (const [name, value] of Object.entries(given))
      if (!known.has(name)) this.problems.push(unknownSetting(prefix + name, value, known));
    const options: Partial<Record<string, unknown>> = given;
    const values = Object.entries(settings).map(([name, setting]) => {
      const value = this.value(prefix + name, setting, options[name]);
      return [name, value];
    });
    return Object.freeze(Object.fromEntries(values)) as Values<Group>;
  }

  /** @param others names at the top level that other code reads */
  readOptions(given: unknown, others: readonly string[]): CompleteOptions {
    const { queue, ...rest } = Object(given) as Partial<Record<string, unknown>>;
    const names = ['queue', ...Object.keys(sections), ...others];
    const top = this.read('', { ...keys, ...codeSettings }, given, names);
    const parts = Object.entries(sections)
      .filter(([name]) => name !== 'alerts' || rest[name] !== undefined)
      .map(([name, settings]) => [name, this.read(`${name}.`, settings, rest[name])]);
    return { ...top, ...Object.fromEntries(parts), queue: this.readQueue(queue) } as CompleteOptions;
  }

  private readQueue(given: unknown): unknown {
    const { backend, connect } = Object(given) as Partial<Record<string, unknown>>;
    if (backend !== 'postgres' && backend !== 'redis') {
      const others = [...Object.keys(queues.postgres), ...Object.keys(queues.redis)];
      return this.read('queue.', queueBackend, given, others);
    }
    const queue = { backend, ...this.read('queue.', queues[backend], given, ['backend']) };
    this.values['QUEUE_BACKEND'] = backend;
    // `connect` replaces the URL of Redis.
    if (connect !== undefined) delete this.values['REDIS_URL'];
    return queue;
  }

  requireOne(names: readonly string[], given: object): void {
    const options: Partial<Record<string, unknown>> = given;
    if (names.some((name) => options[name] !== undefined)) return;
    const accepted = 'a function that returns the options, or a class that makes them';
    this.problems.push({ setting: names.join(', '), reason: 'one is required', accepted });
  }

  /** @throws InvalidOptionsError */
  finish(): void {
    for (const { blames, reason } of brokenRules(this.values, { isHost: true })) {
      const { setting, path = blames } = variables.get(blames) ?? {};
      this.problems.push({
        setting: path,
        value: shown(this.values[blames], setting?.isSecret ?? true),
        reason: reason.replaceAll(/[A-Z]+(?:_[A-Z]+)+/g, (name) => pathOf(name) ?? name),
        ...(setting !== undefined && { accepted: setting.accepts.optionWords }),
      });
    }
    if (this.problems.length > 0) throw new InvalidOptionsError(this.problems);
  }

  private value(path: string, setting: Setting<unknown>, given: unknown): unknown {
    const { accepts, defaultFor, variable, isRequired, isSecret } = setting;
    const parsed = accepts.schema.safeParse(given);
    const isMissing = given === undefined;
    const isBad = isMissing ? isRequired : !parsed.success;
    if (isBad) {
      this.problems.push({
        setting: path,
        value: shown(given, isSecret),
        reason: isMissing ? 'required' : undefined,
        accepted: accepts.optionWords,
      });
      return undefined;
    }
    const value = isMissing ? defaultFor(IN_CODE) : parsed.data;
    if (variable !== undefined) this.values[variable] = value;
    return value;
  }
}

function pathOf(variable: string): string | undefined {
  return variables.get(variable as VariableName)?.path;
}
