import type { AddressRules, UrlVerdict } from '../security/address-rules.js';

/** So many URLs are remembered; then it begins anew. */
const MAX_URLS = 10_000;

/** The address rules' verdict on each URL, given once: the rules do not change, and what is dialled is vetted apart. */
export class UrlVerdicts {
  private readonly known = new Map<string, UrlVerdict>();

  constructor(private readonly rules: AddressRules) {}

  of(url: string): UrlVerdict {
    const known = this.known.get(url);
    if (known) return known;
    if (this.known.size >= MAX_URLS) this.known.clear();
    const verdict = this.rules.checkUrl(url);
    this.known.set(url, verdict);
    return verdict;
  }
}
