import { parseApiToken, tokenDigest, type Caller } from './api-token.js';
import type { ApiTokenRepository } from './api-token.repository.js';

/** How many valid tokens of the database are remembered for the rate limit. */
const MAX_REMEMBERED = 10_000;

/**
 * Who may call: the tokens of `API_TOKENS` and those in the database. The database is read at every request, so that a
 * revoked token is invalid at once. Tokens are looked up by their SHA-256 digest: the time of a lookup may reveal a
 * digest, but not a token.
 */
export class ApiTokens {
  private readonly configured: ReadonlyMap<string, Caller>;
  private readonly remembered = new Set<string>();

  /**
   * @param entries the entries of `API_TOKENS`
   * @throws Error for an invalid entry, by its position
   */
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

  /** Without tokens in the environment every caller has every scope: the server then listens on loopback only. */
  get areRequired(): boolean {
    return this.configured.size > 0;
  }

  /** @returns undefined for an invalid token */
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

  /** The digest of a token that was valid before. A made-up token gets no rate limit of its own. */
  knownDigestOf(token: string): string | undefined {
    const digest = tokenDigest(token);
    return this.configured.has(digest) || this.remembered.has(digest) ? digest : undefined;
  }
}
