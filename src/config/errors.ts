import { inspect } from 'node:util';
import { nearestName } from './nearest-name.js';

/** One setting with an invalid value. */
export interface SettingProblem {
  /** The variable, or the path in the options. */
  readonly setting: string;
  /** The value for the message, masked if it is secret; `undefined` if it is not set. */
  readonly value?: string | undefined;
  /** What the message shows if the setting is not set. */
  readonly defaultWords?: string;
  /** What is wrong; `undefined` if the value is just not an accepted one. */
  readonly reason?: string | undefined;
  /** What is accepted, in words; `undefined` if there is no such setting. */
  readonly accepted?: string;
}

/** The environment is invalid. One message names every bad variable, its value and what is accepted. */
export class InvalidEnvironmentError extends Error {
  override readonly name = 'InvalidEnvironmentError';

  constructor(readonly problems: readonly SettingProblem[]) {
    super(messageOf('The environment is not valid:', problems));
  }
}

/** The module's options are invalid. One message names every bad option, its value and what is accepted. */
export class InvalidOptionsError extends Error {
  override readonly name = 'InvalidOptionsError';

  constructor(readonly problems: readonly SettingProblem[]) {
    super(messageOf('The options of ServiceCallbacksModule are not valid:', problems));
  }
}

function messageOf(heading: string, problems: readonly SettingProblem[]): string {
  return [heading, ...problems.map((problem) => `  ${lineOf(problem)}`)].join('\n');
}

function lineOf({ setting, value, defaultWords, reason, accepted }: SettingProblem): string {
  const byDefault = defaultWords === undefined ? '' : ` (default: ${defaultWords})`;
  const found = value === undefined ? ` is not set${byDefault}` : `=${value}`;
  const words = [reason, accepted === undefined ? undefined : `accepted is ${accepted}`].filter(Boolean);
  // The words are Markdown, for the table in the documentation.
  return `${setting}${found}: ${words.join('; ')}`.replaceAll('`', '');
}

const MASK = '***';

/** Characters of a value that a message shows. */
const MAX_NAMES = 20;

/** A value on one line, for a message. */
export function shown(value: unknown, isSecret: boolean): string | undefined {
  if (value === undefined) return undefined;
  if (isSecret) return MASK;
  // JSON quotes show blanks and keep a line break on the line.
  if (typeof value === 'string') return JSON.stringify(value);
  return inspect(value, { depth: 0, breakLength: Infinity, maxArrayLength: 10 });
}

/** @param known the names that could have been meant, and whether their values are secret */
export function unknownSetting(
  setting: string,
  value: unknown,
  known: ReadonlyMap<string, { readonly isSecret: boolean }>,
): SettingProblem {
  const meant = nearestName(setting.slice(setting.lastIndexOf('.') + 1), [...known.keys()]);
  const isSecret = meant === undefined || known.get(meant)?.isSecret === true;
  const names = known.size <= MAX_NAMES ? `, only ${[...known.keys()].join(', ')}` : '';
  const question = meant === undefined ? names : `; did you mean ${meant}?`;
  return { setting, value: shown(value, isSecret), reason: `there is no such setting${question}` };
}
