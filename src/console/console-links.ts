/** Where the footer of every page leads besides the console; what a host does not have is left out. */
export interface ConsoleLinks {
  /** The documents of the REST API. */
  readonly docs?: string | undefined;
  /** What the operators do about each alert. */
  readonly runbook?: string | undefined;
}

export const CONSOLE_LINKS = Symbol('CONSOLE_LINKS');
