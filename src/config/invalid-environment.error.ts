/** One variable that is not as it should be. */
export interface EnvironmentProblem {
  readonly variable: string;
  /** As it may be shown: a secret is masked already. `undefined` when it is not set. */
  readonly value: string | undefined;
  /** What stands in for it when it is not set. */
  readonly defaultWords: string;
  /** What is wrong, `undefined` when it is just that the value is none of those accepted. */
  readonly reason: string | undefined;
  /** What is accepted, in words. */
  readonly accepted: string;
}

/** The environment cannot be used. One message names every bad variable, its value and what is accepted. */
export class InvalidEnvironmentError extends Error {
  override readonly name = 'InvalidEnvironmentError';

  constructor(readonly problems: readonly EnvironmentProblem[]) {
    super(['The environment is not valid:', ...problems.map((problem) => `  ${lineOf(problem)}`)].join('\n'));
  }
}

function lineOf({ variable, value, defaultWords, reason, accepted }: EnvironmentProblem): string {
  const found = value === undefined ? ` is not set (default: ${defaultWords})` : `=${value}`;
  const why = reason === undefined ? '' : `${reason}; `;
  // The words are the README's, where they are code.
  return `${variable}${found}: ${why}accepted is ${accepted}`.replaceAll('`', '');
}
