import { isIP, isIPv4, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { API_SCOPES, parseApiToken } from '../http/api-tokens/api-token.js';

/** What a variable may hold: how its text is read, and the same in plain words. */
export interface Accepted<T> {
  readonly schema: z.ZodType<T, string>;
  readonly words: string;
}

/** A whole number, written in plain digits. */
export function integer(min: number, max: number): Accepted<number> {
  return {
    schema: z
      .string()
      .regex(/^\d{1,15}$/)
      .transform(Number)
      .pipe(z.number().min(min).max(max)),
    words: `a whole number from ${min} to ${max}`,
  };
}

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** A span of time with its unit, read as milliseconds; a bare number is milliseconds too. */
export function duration(maxDays: number): Accepted<number> {
  return {
    schema: z
      .string()
      .regex(/^\d{1,15}(?:ms|s|m|h|d)?$/)
      .transform((text) => Number.parseInt(text, 10) * (UNIT_MS[text.replace(/^\d+/, '')] ?? 1))
      .pipe(z.number().max(maxDays * 86_400_000)),
    words: `a whole number of \`ms\` (or no unit), \`s\`, \`m\`, \`h\` or \`d\`, such as \`5d\`, up to \`${maxDays}d\``,
  };
}

/** What can stand in an Authorization header. */
export function bearerToken(): Accepted<string> {
  return { schema: z.string().regex(/^[\x21-\x7e]+$/), words: 'visible ASCII characters' };
}

export function oneOf<const Values extends readonly [string, ...string[]]>(
  ...values: Values
): Accepted<Values[number]> {
  return { schema: z.enum(values), words: values.map((value) => `\`${value}\``).join(', ') };
}

export function flag(): Accepted<boolean> {
  return { schema: z.enum(['true', 'false']).transform((text) => text === 'true'), words: '`true`, `false`' };
}

/** A path, as the operating system takes it. */
export function path(): Accepted<string> {
  return { schema: z.string().regex(/^[^\0]+$/), words: 'a path, absolute or from the working directory' };
}

/** What a server can listen on. */
export function host(): Accepted<string> {
  return { schema: z.string().regex(/^[\w.:%-]+$/), words: 'an IP address or a host name' };
}

export function url(...schemes: readonly string[]): Accepted<string> {
  return {
    schema: z.string().refine((text) => schemes.some((scheme) => URL.parse(text)?.protocol === `${scheme}:`)),
    words: `a ${schemes.map((scheme) => `\`${scheme}://\``).join(' or ')} URL`,
  };
}

/** Items separated by commas; blanks around them and empty ones do not count. */
function list<T>(item: z.ZodType<T, string>): z.ZodType<readonly T[], string> {
  return z
    .string()
    .transform((text) =>
      text
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== ''),
    )
    .pipe(z.array(item));
}

/** Left as text, because whoever checks a token is who reads them. */
export function apiTokens(): Accepted<readonly string[]> {
  return {
    schema: list(z.string().refine((text) => parseApiToken(text) !== undefined)),
    words:
      '`token`, `token:scope+scope` or `token@service_id:scope+scope`, comma-separated; a token is of visible ' +
      `ASCII characters but \`:\`, \`@\` and the comma; scopes are ${API_SCOPES.map((scope) => `\`${scope}\``).join(', ')}`,
  };
}

/** `kid:base64(32 bytes)` each; left as text, because the cipher is who reads keys. */
export function encryptionKeys(): Accepted<readonly string[]> {
  return {
    schema: list(z.string().refine(isEncryptionKey)).refine(
      (keys) => keys.length > 0 && new Set(keys.map(keyIdOf)).size === keys.length,
    ),
    words: '`kid:base64(32 bytes)`, comma-separated, each kid once and of letters, digits, `_` and `-`',
  };
}

function isEncryptionKey(text: string): boolean {
  const [, encoded] = /^[\w-]+:(.+)$/.exec(text) ?? [];
  if (encoded === undefined) return false;
  const key = Buffer.from(encoded, 'base64');
  // Node decodes whatever it can; only what it would have written itself is base64.
  return key.length === 32 && key.toString('base64') === encoded;
}

function keyIdOf(key: string): string {
  return key.slice(0, key.indexOf(':'));
}

export function networks(): Accepted<readonly string[]> {
  return {
    schema: list(z.string().refine(isCidr)),
    words: 'networks in CIDR notation (`127.0.0.0/8`, `fd00::/8`), comma-separated',
  };
}

/** Whoever is believed what others say: not everybody. */
export function proxyNetworks(): Accepted<readonly string[]> {
  const { words } = networks();
  return {
    schema: list(z.string().refine((text) => isCidr(text) && !/\/0+$/.test(text))),
    words: `${words}, none of them \`/0\``,
  };
}

/** IPv4 in four decimal parts only: the library would also read `127.1/8` and `0x7f.0.0.0/8`. */
function isCidr(text: string): boolean {
  return ipaddr.IPv4.isValidCIDRFourPartDecimal(text) || ipaddr.IPv6.isValidCIDR(text);
}

export function nameServers(): Accepted<readonly string[]> {
  return {
    schema: list(z.string().refine(isNameServer)),
    words: 'name servers (`10.0.0.2`, `127.0.0.1:5353`, `[fd00::2]:53`), comma-separated',
  };
}

/** A bare address, or one with a port: what `Resolver.setServers` of `node:dns` takes. */
function isNameServer(text: string): boolean {
  if (isIP(text) !== 0) return true;
  const [, ipv6 = '', ipv4 = '', port = '53'] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  return (isIPv6(ipv6) || isIPv4(ipv4)) && Number(port) >= 1 && Number(port) <= 65535;
}

export function ports(): Accepted<readonly number[]> {
  const { schema } = integer(1, 65535);
  return { schema: list(schema), words: 'ports from 1 to 65535, comma-separated' };
}
