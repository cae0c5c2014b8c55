import type { SentHeaders } from './sent-headers.js';

interface CurlRequest {
  readonly url: string;
  readonly headers: SentHeaders;
  /** Undefined if the payload is not kept: curl then reads it from a file. */
  readonly body: string | undefined;
}

/**
 * The request of a callback as a shell command, which signs it when it runs. Token and signing secret come from
 * `CALLBACK_TOKEN` and `CALLBACK_SECRET`.
 */
export function asCurl({ url, headers, body }: CurlRequest): string {
  const id = headers['webhook-id'] ?? '';
  const fixed = Object.entries(headers).filter(([name]) => !MADE_EACH_TIME.has(name));
  return [
    body === undefined ? 'BODY=$(cat body.json)' : `BODY=${quoted(body)}`,
    'NOW=$(date +%s)',
    `KEY=$(printf %s "\${CALLBACK_SECRET#whsec_}" | base64 -d | od -An -v -tx1 | tr -d ' \\n')`,
    `SIGNATURE=$(printf %s ${quoted(`${id}.`)}"$NOW.$BODY" |`,
    '  openssl dgst -sha256 -mac HMAC -macopt "hexkey:$KEY" -binary | base64)',
    [
      `curl -i -X POST ${quoted(url)}`,
      ...fixed.map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`),
      '-H "authorization: Bearer $CALLBACK_TOKEN"',
      '-H "webhook-timestamp: $NOW"',
      '-H "webhook-signature: v1,$SIGNATURE"',
      '--data-binary "$BODY"',
    ].join(' \\\n  '),
  ].join('\n');
}

const MADE_EACH_TIME: ReadonlySet<string> = new Set([
  'authorization',
  'webhook-timestamp',
  'webhook-signature',
  'user-agent',
]);

/** A service chooses its URL: the quotes must hold for any text. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
