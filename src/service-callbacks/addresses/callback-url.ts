import { isIP } from 'node:net';

/** The host of a callback URL, after the WHATWG parser has normalised every spelling of an address. */
export type CallbackHost =
  | { readonly kind: 'address'; readonly ip: string }
  | { readonly kind: 'localhost' }
  | { readonly kind: 'name' };

/** A scheme followed by an authority: `https:example.org` and `https:///example.org` are rejected. */
const ABSOLUTE_URL = /^[a-z][a-z0-9+.-]*:\/\/[^/\\?#]/i;

/**
 * Characters that the WHATWG parser removes or rewrites without an error, and that other parsers, terminals or readers
 * of a log treat differently: blanks, control and invisible characters (soft hyphen, right-to-left override), half
 * surrogates.
 */
const AMBIGUOUS_CHARACTER = /[\s\\\p{Cc}\p{Cf}\p{Cs}]/u;

/** @returns the parsed URL; undefined for a text that two URL parsers could read in two ways */
export function parseCallbackUrl(text: string): URL | undefined {
  if (AMBIGUOUS_CHARACTER.test(text) || !ABSOLUTE_URL.test(text)) return undefined;
  const url = URL.parse(text);
  return url === null || hasEmptyLabel(url.hostname) ? undefined : url;
}

/** Everything after the authority, without the fragment. */
const TYPED_TARGET = /^[^:]+:\/\/[^/?#]*([^#]*)/;

/** The longest name of DNS, in characters (RFC 1035 §2.3.4). */
const MAX_NAME = 253;
const MAX_LABEL = 63;

/**
 * The request target (RFC 9112 §3.2.1): path and query as they were typed. The WHATWG parser would resolve dots, escape
 * some characters and drop an empty query. Only characters that a request line cannot have are percent-encoded.
 * @param text accepted by `parseCallbackUrl`
 */
export function requestTarget(text: string): string {
  const [, typed = ''] = TYPED_TARGET.exec(text) ?? [];
  const target = typed.startsWith('/') ? typed : `/${typed}`;
  return target.replaceAll(/[^\x21-\x7e]+/g, encodeURIComponent);
}

/** Whether no resolver can look the name up. */
export function isTooLong({ hostname }: URL): boolean {
  const name = hostname.replace(/\.$/, '');
  return name.length > MAX_NAME || name.split('.').some((label) => label.length > MAX_LABEL);
}

/** Also true for an empty userinfo (`https://@host`), which `URL` drops. */
export function hasUserinfo(text: string): boolean {
  const [, , authority = ''] = text.split(/[/?#]/, 3);
  return authority.includes('@');
}

export function hostOf(url: URL): CallbackHost {
  const ip = unbracketed(url.hostname);
  if (isIP(ip) !== 0) {
    return { kind: 'address', ip };
  }
  return { kind: isLocalhost(url.hostname) ? 'localhost' : 'name' };
}

/** The port of the connection: that of the URL, or its scheme's. */
export function portOf(url: { readonly protocol: string; readonly port: string }): number {
  return Number(url.port || (url.protocol === 'https:' ? 443 : 80));
}

/** `localhost` and any name under it, also with a trailing dot: loopback by definition (RFC 6761 §6.3). */
export function isLocalhost(hostname: string): boolean {
  return /(?:^|\.)localhost\.?$/i.test(hostname);
}

function unbracketed(hostname: string): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
}

/** Resolvers disagree on `a..b`, `1.1.1.1..` and `.`. One trailing dot is allowed: a fully qualified name. */
function hasEmptyLabel(hostname: string): boolean {
  return hostname.replace(/\.$/, '').split('.').includes('');
}
