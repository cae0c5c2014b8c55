import { parseApiToken, tokenDigest, type Caller } from './api-token.js';
import type { ApiTokenRepository } from './api-token.repository.js';

/** So many tokens of the database are remembered as having been good, for the rate limit alone. */
const MAX_REMEMBERED = 10_000;

/**
 * Who may call: the tokens of `API_TOKENS` and those of the database. The latter are read at every
 * request, so that a revoked one is over at once.
 *
 * Tokens are looked up by SHA-256 digest: the time of a lookup may reveal a digest, but not a token.
 */
export class ApiTokens {
  private readonly configured: ReadonlyMap<string, Caller>;
  private readonly remembered = new Set<string>();

  /** @param entries of `API_TOKENS`. @throws Error for one that is none, by its position. */
  constructor(
    entries: readonly string[],
    private readonly stored: ApiTokenRepository,
  ) {
    this.configured = new Map(
      entries.map((entry, index) => {
        const token = parseApiToken(entry);
        if (token === undefined) throw new Error(`Entry ${index + 1} of API_TOKENS is not a token`);
        return [token.digest, { ...token, name: `entry ${index + 1} of API_TOKENS` }];
      }),
    );
  }

  /** Without any in the environment everyone may do everything: the server is on loopback then. */
  get areRequired(): boolean {
    return this.configured.size > 0;
  }

  /** @returns undefined for a token that opens nothing */
  async callerOf(token: string): Promise<Caller | undefined> {
    const digest = tokenDigest(token);
    const configured = this.configured.get(digest);
    if (configured !== undefined) return configured;

    const stored = await this.stored.findByDigest(digest);
    if (stored === null) {
      this.remembered.delete(digest);
      return undefined;
    }
    if (this.remembered.size < MAX_REMEMBERED) this.remembered.add(digest);
    const { name, scopes, serviceId } = stored;
    return { name, scopes: new Set(scopes), ...(serviceId !== null && { serviceId }) };
  }

  /** The digest of a token that has been good before: what is made up gets no allowance of its own. */
  knownDigestOf(token: string): string | undefined {
    const digest = tokenDigest(token);
    return this.configured.has(digest) || this.remembered.has(digest) ? digest : undefined;
  }
}
