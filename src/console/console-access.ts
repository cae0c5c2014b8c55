import type { Caller } from '../http/api-tokens/api-token.js';

/** The port that decides who may use the console: the service uses its API tokens, a host its own users. */
export abstract class ConsoleAccess {
  /** False: an empty token is also accepted. Only for a server on loopback. */
  abstract readonly areRequired: boolean;

  /**
   * Called at every request, so that a revoked token ends its session.
   * @returns undefined for an invalid token
   */
  abstract callerOf(token: string): Promise<Caller | undefined>;
}
