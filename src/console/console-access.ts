import type { Caller } from '../http/api-tokens/api-token.js';

/** Who may use the console: the port behind which the service has its API tokens, and a host whatever it has. */
export abstract class ConsoleAccess {
  /** False: an empty token opens the console too. For a server on loopback alone. */
  abstract readonly areRequired: boolean;

  /** Called at every request, so that a revoked token ends its session. @returns undefined: it opens nothing */
  abstract callerOf(token: string): Promise<Caller | undefined>;
}
