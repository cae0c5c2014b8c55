import type { AddressRules, UrlCheck } from '../security/address-rules.js';

/** How many URLs are remembered. At the limit, all are forgotten. */
const MAX_URLS = 10_000;

/**
 * Remembers the result of the address rules for each URL. The rules do not change. The addresses of connections are
 * checked separately.
 */
export class CheckedUrls {
  private readonly known = new Map<string, UrlCheck>();

  constructor(private readonly rules: AddressRules) {}

  of(url: string): UrlCheck {
    const known = this.known.get(url);
    if (known) return known;
    if (this.known.size >= MAX_URLS) this.known.clear();
    const check = this.rules.checkUrl(url);
    this.known.set(url, check);
    return check;
  }
}
