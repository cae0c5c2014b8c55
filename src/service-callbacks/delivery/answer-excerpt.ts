import { parsedJson } from '../unknown-json.js';
import type { CallbackRequest } from './callback-request.js';

/** What of an answer is kept for people to read: bytes of UTF-8. */
const MAX_EXCERPT_BYTES = 1_024;
/** What a server echoes and nobody is to read; shorter texts are words of anybody's. */
const MIN_MASKED_LENGTH = 6;
const MASK = '[…]';

const UUID_OR_TIME =
  /^(?:[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)$/i;

/**
 * The beginning of an answer, printable. A server may echo what it was sent: the token, the secrets and what the
 * payload says, be it a recipient or a message, are masked in every spelling a server is likely to choose.
 *
 * @param body as far as it was read, which is further than what is kept: a token is never cut in two
 * @returns undefined where there is nothing to read
 */
export function excerptOf(body: Buffer, request: CallbackRequest): string | undefined {
  if (body.length === 0) return undefined;
  let text = body.toString('utf8');
  for (const needle of needlesOf(request)) text = text.replaceAll(needle, MASK);
  const excerpt = cut(printable(text.slice(0, MAX_EXCERPT_BYTES)));
  return excerpt === '' ? undefined : excerpt;
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

/** Longest first: a text that is part of another leaves nothing of it. */
function needlesOf({ bearerToken, signingSecrets, body }: CallbackRequest): string[] {
  const secrets = [
    bearerToken,
    ...signingSecrets.flatMap((secret) => [secret, secret.replace('whsec_', '')]),
  ];
  const needles = new Set([
    ...secrets.flatMap((secret) => [
      ...spellings(secret),
      base64(secret),
      Buffer.from(secret).toString('hex'),
    ]),
    // What is not JSON is one text.
    ...texts(parsedJson(body) ?? body).flatMap(spellings),
  ]);
  return [...needles]
    .filter((needle) => needle.length >= MIN_MASKED_LENGTH)
    .toSorted((one, other) => other.length - one.length);
}

function spellings(text: string): string[] {
  return [text, JSON.stringify(text).slice(1, -1), encodeURIComponent(text.toWellFormed()), html(text)];
}

/** All that a payload says but ids and times, which the log shows anyway. */
function texts(value: unknown): string[] {
  if (typeof value === 'string') return UUID_OR_TIME.test(value) ? [] : [value];
  if (typeof value === 'number') return [String(value)];
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(texts);
  return [];
}

/** Without padding: it is found where more follows as well. */
function base64(text: string): string {
  return Buffer.from(text).toString('base64').replace(/=+$/, '');
}

function html(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
