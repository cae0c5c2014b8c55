import { inspect } from 'node:util';
import { nearestName } from './nearest-name.js';

/** One setting that is not as it should be. */
export interface SettingProblem {
  /** Its variable, or its path in the options. */
  readonly setting: string;
  /** As it may be shown: a secret is masked already. `undefined` when it is not set. */
  readonly value?: string | undefined;
  /** What stands in for it when it is not set. */
  readonly defaultWords?: string;
  /** What is wrong, `undefined` when it is just that the value is none of those accepted. */
  readonly reason?: string | undefined;
  /** What is accepted, in words; `undefined` where nothing is, because there is no such setting. */
  readonly accepted?: string;
}

/** The environment cannot be used. One message names every bad variable, its value and what is accepted. */
export class InvalidEnvironmentError extends Error {
  override readonly name = 'InvalidEnvironmentError';

  constructor(readonly problems: readonly SettingProblem[]) {
    super(messageOf('The environment is not valid:', problems));
  }
}

/** The module's options cannot be used. One message names every bad one, its value and what is accepted. */
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
  // The words are written for a Markdown table.
  return `${setting}${found}: ${words.join('; ')}`.replaceAll('`', '');
}

const MASK = '***';

/** More of them are no help in a message. */
const MAX_NAMES = 20;

/** A value as a message may show it, on one line. */
export function shown(value: unknown, isSecret: boolean): string | undefined {
  if (value === undefined) return undefined;
  if (isSecret) return MASK;
  // Quoted, so that blanks are seen and a line break stays on the line.
  if (typeof value === 'string') return JSON.stringify(value);
  return inspect(value, { depth: 0, breakLength: Infinity, maxArrayLength: 10 });
}

/** @param known all that could have been meant, and whether their values are secret */
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
