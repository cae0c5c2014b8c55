import { parsedJson } from '../unknown-json.js';
import type { CallbackRequest } from './callback-request.js';
import type { TransportResponse } from './callback-transport.js';
import { bytesOf, viewsOf, type View } from './unescaped.js';

/** How much of a response is kept for people to read: bytes of UTF-8. */
const MAX_EXCERPT_BYTES = 1_024;
/** What it is made from, bytes: masked texts are shorter than they came. */
const MAX_SOURCE_BYTES = 4 * 1_024;
/** Texts from this length on are masked where a server echoes them; shorter ones are too common to mask. */
const MIN_MASKED_LENGTH = 6;
const MASK = Buffer.from('[…]');

const UUID_OR_TIME =
  /^(?:[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)$/i;

const BASE64_CHARACTER = /[\w+/=-]/;

/** Bytes to mask, where they end not included. */
type Range = readonly [start: number, end: number];

/**
 * The beginning of a response, printable. A server may echo what it was sent: the token, the secrets and the values of
 * the payload are masked, in each spelling that a server is likely to use.
 *
 * @returns undefined where there is nothing to read
 */
export function excerptOf(body: Buffer, request: CallbackRequest): string | undefined {
  if (body.length === 0) return undefined;
  const excerpt = cut(printable(readable(body, request).slice(0, MAX_EXCERPT_BYTES)));
  return excerpt === '' ? undefined : excerpt;
}

/**
 * The headers of a response, masked as the excerpt is; cookies are masked whole.
 *
 * @returns those that fit into 1 KiB together, undefined where there are none
 */
export function headersOf(
  headers: TransportResponse['headers'],
  request: CallbackRequest,
): Readonly<Record<string, string>> | undefined {
  const kept: [string, string][] = [];
  let bytes = 0;
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue;
    const whole = name === 'set-cookie' ? MASK : Buffer.from([value].flat().join(', '));
    const text = printable(readable(whole, request));
    bytes += Buffer.byteLength(name) + Buffer.byteLength(text);
    if (bytes > MAX_EXCERPT_BYTES) break;
    kept.push([name, text]);
  }
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

/** As much of it as is looked at, what was sent masked. */
function readable(bytes: Buffer, request: CallbackRequest): string {
  const source = bytes.subarray(0, MAX_SOURCE_BYTES);
  return masked(source, rangesIn(source, request)).toString('utf8');
}

/** One line, without control, format and unassigned characters. */
function printable(text: string): string {
  return text.replaceAll(/\s+/gu, ' ').replaceAll(/\p{C}/gu, '\uFFFD').trim();
}

function cut(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= MAX_EXCERPT_BYTES) return text;
  let end = MAX_EXCERPT_BYTES;
  // Not within a character.
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString('utf8', 0, end);
}

function masked(source: Buffer, ranges: readonly Range[]): Buffer {
  const parts: Buffer[] = [];
  let shownTo = 0;
  for (const [start, end] of ranges.toSorted(([one], [other]) => one - other)) {
    if (end <= shownTo) continue;
    if (start > shownTo || parts.length === 0) parts.push(source.subarray(shownTo, start), MASK);
    shownTo = end;
  }
  return Buffer.concat([...parts, source.subarray(shownTo)]);
}

function rangesIn(source: Buffer, request: CallbackRequest): readonly Range[] {
  const texts = textsOf(request);
  const inBase64 = secretsOf(request).flatMap(base64);
  return viewsOf(source).flatMap((view) => [
    ...texts.flatMap((text) => found(view, text)),
    ...inBase64.flatMap((text) => found(view, text, BASE64_CHARACTER)),
  ]);
}

/**
 * Where a text stands in a view, and its beginning at the very end: the rest of it may have been cut off.
 *
 * @param around what else belongs to it, where such characters are next to it
 */
function found({ text, origins }: View, needle: string, around?: RegExp): readonly Range[] {
  const ranges: Range[] = [];
  const add = (from: number, to: number): number => {
    let [start, end] = [from, to];
    while (around?.test(text[start - 1] ?? '')) start -= 1;
    while (around?.test(text[end] ?? '')) end += 1;
    ranges.push([origins[start] ?? 0, origins[end] ?? 0]);
    return end;
  };
  let end = 0;
  for (let at = text.indexOf(needle); at !== -1; at = text.indexOf(needle, end))
    end = add(at, at + needle.length);
  for (let length = Math.min(needle.length - 1, text.length); length >= MIN_MASKED_LENGTH; length -= 1) {
    if (!text.endsWith(needle.slice(0, length))) continue;
    add(text.length - length, text.length);
    break;
  }
  return ranges;
}

function secretsOf({ bearerToken, signingSecrets }: CallbackRequest): readonly string[] {
  return [bearerToken, ...signingSecrets.flatMap((secret) => [secret, secret.replace('whsec_', '')])];
}

/** What is masked wherever it stands: as bytes, in the views' manner. */
function textsOf(request: CallbackRequest): readonly string[] {
  const secrets = secretsOf(request).flatMap((secret) => {
    const hex = Buffer.from(secret).toString('hex');
    return [secret, hex, hex.toUpperCase()];
  });
  // What is not JSON is one text.
  const texts = new Set([...secrets, ...textsIn(parsedJson(request.body) ?? request.body)]);
  return [...texts].filter((text) => text.length >= MIN_MASKED_LENGTH).map(bytesOf);
}

/** All that a payload says but ids and times, which the log shows anyway. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return UUID_OR_TIME.test(value) ? [] : [value];
  if (typeof value === 'number') return [String(value)];
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(textsIn);
  return [];
}

/**
 * What base64 makes of a secret with zero, one and two bytes before it (with three it begins anew), less the characters
 * that hold bits of other bytes as well; in the alphabet of URLs too.
 */
function base64(secret: string): readonly string[] {
  const cores = [0, 2, 3].map((othersBits, before) => {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(secret)]);
    return bytes.toString('base64').slice(othersBits, Math.floor((bytes.length * 8) / 6));
  });
  return [...cores, ...cores.map((core) => core.replaceAll('+', '-').replaceAll('/', '_'))];
}
