import { isIP, isIPv4, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { API_SCOPES, MIN_TOKEN_LENGTH, parseApiToken } from '../http/api-tokens/api-token.js';

/** What a setting accepts, in code and as the text of a variable. */
export interface Accepted<T> {
  readonly schema: z.ZodType<T>;
  /** Converts the text of a variable. An invalid text is returned unchanged, and the schema rejects it. */
  readonly fromText: (text: string) => unknown;
  /** What a variable accepts, in words. */
  readonly words: string;
  /** What an option accepts, in words. */
  readonly optionWords: string;
}

function text(words: string, schema: z.ZodType<string>): Accepted<string> {
  return { schema, fromText: (given) => given, words, optionWords: words };
}

/** A whole number, in decimal digits. */
export function integer(min: number, max: number, unit?: 'ms' | 'days' | 'hours'): Accepted<number> {
  const words = `a whole number ${unit === undefined ? '' : `of ${unit} `}from ${min} to ${max}`;
  return { schema: z.int().min(min).max(max), fromText: toNumber, words, optionWords: words };
}

function toNumber(given: string): unknown {
  return /^\d{1,15}$/.test(given) ? Number(given) : given;
}

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** A duration in ms; as a text it may have a unit. */
export function duration(maxDays: number): Accepted<number> {
  return {
    ...integer(0, maxDays * 86_400_000, 'ms'),
    fromText: (given) =>
      /^\d{1,15}(?:ms|s|m|h|d)?$/.test(given)
        ? Number.parseInt(given, 10) * (UNIT_MS[given.replace(/^\d+/, '')] ?? 1)
        : given,
    words: `a whole number of \`ms\` (or no unit), \`s\`, \`m\`, \`h\` or \`d\`, such as \`5d\`, up to \`${maxDays}d\``,
  };
}

/** Characters that an Authorization header can have. */
export function bearerToken(): Accepted<string> {
  return text('visible ASCII characters', z.string().regex(/^[\x21-\x7e]+$/));
}

export function oneOf<const Values extends readonly [string, ...string[]]>(
  ...values: Values
): Accepted<Values[number]> {
  const words = values.map((value) => `\`${value}\``).join(', ');
  return { schema: z.enum(values), fromText: (given) => given, words, optionWords: words };
}

export function flag(): Accepted<boolean> {
  const words = '`true`, `false`';
  const values: Readonly<Record<string, boolean>> = { true: true, false: false };
  return { schema: z.boolean(), fromText: (given) => values[given] ?? given, words, optionWords: words };
}

/** Any text. Some values have a meaning of their own; all other values mean the same. */
export function anyText(words: string): Accepted<string> {
  return text(words, z.string().min(1));
}

/** A path of the operating system. */
export function path(): Accepted<string> {
  return text('a path, absolute or from the working directory', z.string().regex(/^[^\0]+$/));
}

/** An address that a server can listen on. */
export function host(): Accepted<string> {
  return text('an IP address or a host name', z.string().regex(/^[\w.:%-]+$/));
}

export function url(...schemes: readonly string[]): Accepted<string> {
  return text(
    `a ${schemes.map((scheme) => `\`${scheme}://\``).join(' or ')} URL`,
    z.string().refine((given) => schemes.some((scheme) => URL.parse(given)?.protocol === `${scheme}:`)),
  );
}

/** A value that only code can give, such as a function. */
export function inCode<T>(words: string, is: (value: unknown) => boolean): Accepted<T> {
  return { schema: z.custom<T>(is), fromText: (given) => given, words, optionWords: words };
}

/** A list; as a text, its items are separated by commas. Blanks around items and empty items are ignored. */
function list<T>(words: string, item: z.ZodType<T>, fromText: (part: string) => unknown = (part) => part) {
  return {
    schema: z.array(item).readonly(),
    fromText: (given: string): unknown =>
      given
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== '')
        .map(fromText),
    words: `${words}, comma-separated`,
    optionWords: `a list of ${words}`,
  };
}

/** Kept as text: the token check parses the entries. */
export function apiTokens(): Accepted<readonly string[]> {
  const { words, ...tokens } = list(
    '`token`, `token:scope+scope` or `token@service_id:scope+scope`',
    z.string().refine((given) => parseApiToken(given) !== undefined),
  );
  return {
    ...tokens,
    words:
      `${words}; a token has visible ASCII characters except \`:\`, \`@\` and the comma, in production at least ` +
      `${MIN_TOKEN_LENGTH}; scopes are ${API_SCOPES.map((scope) => `\`${scope}\``).join(', ')}`,
  };
}

/** Entries `kid:base64(32 bytes)`. Kept as text: the cipher parses the keys. */
export function encryptionKeys(): Accepted<readonly string[]> {
  const keys = list('`kid:base64(32 bytes)`', z.string().refine(isEncryptionKey));
  const rest = ', each kid once and of letters, digits, `_` and `-`';
  return {
    ...keys,
    schema: keys.schema.refine(
      (given) => given.length > 0 && new Set(given.map(keyIdOf)).size === given.length,
    ),
    words: keys.words + rest,
    optionWords: keys.optionWords + rest,
  };
}

function isEncryptionKey(given: string): boolean {
  const [, encoded] = /^[\w-]+:(.+)$/.exec(given) ?? [];
  if (encoded === undefined) return false;
  const key = Buffer.from(encoded, 'base64');
  // Node ignores invalid characters of base64. A valid text is one that encodes to itself.
  return key.length === 32 && key.toString('base64') === encoded;
}

function keyIdOf(key: string): string {
  return key.slice(0, key.indexOf(':'));
}

const NETWORKS = 'networks in CIDR notation (`127.0.0.0/8`, `fd00::/8`)';

export function networks(): Accepted<readonly string[]> {
  return list(NETWORKS, z.string().refine(isCidr));
}

/** Networks of proxies whose `X-Forwarded-For` is trusted. The network of all addresses is rejected. */
export function proxyNetworks(): Accepted<readonly string[]> {
  const proxies = list(
    NETWORKS,
    z.string().refine((given) => isCidr(given) && !/\/0+$/.test(given)),
  );
  return { ...proxies, words: `${proxies.words}, none of them \`/0\`` };
}

/** IPv4 in four decimal parts only: the library also accepts `127.1/8` and `0x7f.0.0.0/8`. */
function isCidr(given: string): boolean {
  return ipaddr.IPv4.isValidCIDRFourPartDecimal(given) || ipaddr.IPv6.isValidCIDR(given);
}

export function nameServers(): Accepted<readonly string[]> {
  return list('name servers (`10.0.0.2`, `127.0.0.1:5353`, `[fd00::2]:53`)', z.string().refine(isNameServer));
}

/** An address with or without a port, as `Resolver.setServers` of `node:dns` accepts it. */
function isNameServer(given: string): boolean {
  if (isIP(given) !== 0) return true;
  const [, ipv6 = '', ipv4 = '', port = '53'] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(given) ?? [];
  return (isIPv6(ipv6) || isIPv4(ipv4)) && Number(port) >= 1 && Number(port) <= 65535;
}

export function ports(): Accepted<readonly number[]> {
  const { schema } = integer(1, 65535);
  return list('ports from 1 to 65535', schema, toNumber);
}
