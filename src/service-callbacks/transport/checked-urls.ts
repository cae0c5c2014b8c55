import type { AddressRules, UrlCheck } from '../addresses/address-rules.js';

/** So many URLs are remembered; then it begins anew. */
const MAX_URLS = 10_000;

/** Remembers what the address rules say of each URL. The rules do not change; the dialled addresses are checked separately. */
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
