/** Links in the footer of every page, beside the console's own. A link that a host does not have is left out. */
export interface ConsoleLinks {
  /** The documentation of the REST API. */
  readonly docs?: string | undefined;
  /** The runbook: what operators do about each alert. */
  readonly runbook?: string | undefined;
}

export const CONSOLE_LINKS = Symbol('CONSOLE_LINKS');
