import { parsedJson } from '../unknown-json.js';
import type { CallbackRequest } from './callback-request.js';
import type { TransportResponse } from './callback-transport.js';
import { bytesOf, viewsOf, type View } from './unescaped.js';

/** How much of a response is kept for people, in bytes of UTF-8. */
const MAX_EXCERPT_BYTES = 1_024;
/** How much of a response is read for it, bytes: masking shortens texts. */
const MAX_SOURCE_BYTES = 4 * 1_024;
/** The shortest text that is masked if a server repeats it; shorter texts are too common. */
const MIN_MASKED_LENGTH = 6;
const MASK = Buffer.from('[…]');

const UUID_OR_TIME =
  /^(?:[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)$/i;

const BASE64_CHARACTER = /[\w+/=-]/;

/** A range of bytes to mask; its end is not included. */
type Range = readonly [start: number, end: number];

/**
 * The beginning of a response, printable. A server may repeat what it was sent: the token, the secrets and the values
 * of the payload are masked, in every spelling that a server is likely to use.
 * @returns undefined if there is nothing to read
 */
export function excerptOf(body: Buffer, request: CallbackRequest): string | undefined {
  if (body.length === 0) return undefined;
  const excerpt = cut(printable(readable(body, request).slice(0, MAX_EXCERPT_BYTES)));
  return excerpt === '' ? undefined : excerpt;
}

/**
 * The headers of a response, masked like the excerpt; values of cookies are masked as a whole.
 * @returns the headers that fit into 1 KiB together; undefined if there are none
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

/** The part of a response that is read, with sent texts masked. */
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
  // Not inside of a character.
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
 * Finds a text in a view, and its beginning at the end of the view: the view may cut the text.
 * @param around characters that also belong to the text if they are next to it
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

/** The texts to mask, as bytes in the form of the views. */
function textsOf(request: CallbackRequest): readonly string[] {
  const secrets = secretsOf(request).flatMap((secret) => {
    const hex = Buffer.from(secret).toString('hex');
    return [secret, hex, hex.toUpperCase()];
  });
  // A payload that is not JSON is one text.
  const texts = new Set([...secrets, ...textsIn(parsedJson(request.body) ?? request.body)]);
  return [...texts].filter((text) => text.length >= MIN_MASKED_LENGTH).map(bytesOf);
}

/** All values of a payload except ids and times, which the log shows anyway. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return UUID_OR_TIME.test(value) ? [] : [value];
  if (typeof value === 'number') return [String(value)];
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(textsIn);
  return [];
}

/**
 * The base64 forms of a secret that begins after zero, one or two other bytes (three are like zero), without the
 * characters that also hold bits of other bytes; in the alphabet of URLs too.
 */
function base64(secret: string): readonly string[] {
  const cores = [0, 2, 3].map((othersBits, before) => {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(secret)]);
    return bytes.toString('base64').slice(othersBits, Math.floor((bytes.length * 8) / 6));
  });
  return [...cores, ...cores.map((core) => core.replaceAll('+', '-').replaceAll('/', '_'))];
}
