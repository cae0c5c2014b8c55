import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { aNotification } from '../../test/support/builders/a-notification.js';
import { deliveryStatus } from '../service-callbacks/callback-types/delivery-status.js';
import { generateSigningSecret } from '../service-callbacks/security/signing-secret.js';
import { CallbackVerificationError, InvalidReceiverOptionsError } from './errors.js';
import type { CallbackPayload } from './payloads.js';
import { verifyBearerToken } from './verify-bearer-token.js';
import { verifyCallback } from './verify-callback.js';

const NOW = Date.UTC(2026, 0, 1);
const now = () => NOW;
const SECRET = generateSigningSecret();

/** Signed by the reference library. */
function signed(body: string, { secret = SECRET, id = 'msg_1', at = NOW } = {}) {
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at / 1_000)),
    'webhook-signature': new Webhook(secret).sign(id, new Date(at), body),
  };
}

function reasonOf(verify: () => unknown): string {
  try {
    verify();
    return 'verified';
  } catch (error) {
    if (error instanceof CallbackVerificationError) return error.reason;
    throw error;
  }
}

describe('verifyCallback', () => {
  it('verifies what the reference library signs, as text and as bytes', () => {
    fc.assert(
      fc.property(fc.json(), (body) => {
        for (const raw of [body, Buffer.from(body), new Uint8Array(Buffer.from(body))])
          expect(verifyCallback(raw, signed(body), SECRET, { now })).toEqual({
            id: 'msg_1',
            attemptedAt: new Date(NOW),
            isTest: false,
            payload: JSON.parse(body) as unknown,
          });
      }),
    );
  });

  it('finds the headers in any case, and in Headers of the web', () => {
    const headers = signed('{}');
    const upper = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name.toUpperCase(), value]),
    );
    expect(reasonOf(() => verifyCallback('{}', upper, SECRET, { now }))).toBe('verified');
    expect(reasonOf(() => verifyCallback('{}', new Headers(headers), SECRET, { now }))).toBe('verified');
  });

  it('accepts any of several signatures by any of several secrets', () => {
    const other = generateSigningSecret();
    const both = `${signed('{}', { secret: other })['webhook-signature']} v1a,abc ${signed('{}')['webhook-signature']}`;
    const headers = { ...signed('{}'), 'webhook-signature': both };
    for (const secrets of [
      SECRET,
      other,
      [generateSigningSecret(), SECRET],
      [other, generateSigningSecret()],
    ])
      expect(reasonOf(() => verifyCallback('{}', headers, secrets, { now }))).toBe('verified');
  });

  it.each([
    ['another body', '{"a":2}', {}, 'signature_mismatch'],
    ['another id', '{"a":1}', { 'webhook-id': 'msg_2' }, 'signature_mismatch'],
    ['another time', '{"a":1}', { 'webhook-timestamp': String(NOW / 1_000 + 1) }, 'signature_mismatch'],
    ['no id', '{"a":1}', { 'webhook-id': undefined }, 'header_missing'],
    ['no signature', '{"a":1}', { 'webhook-signature': undefined }, 'header_missing'],
    ['two ids', '{"a":1}', { 'Webhook-Id': 'msg_1' }, 'header_malformed'],
    ['a time that is none', '{"a":1}', { 'webhook-timestamp': 'now' }, 'header_malformed'],
    [
      'a signature of another version alone',
      '{"a":1}',
      { 'webhook-signature': 'v2,abc' },
      'header_malformed',
    ],
    ['a signature that is cut', '{"a":1}', { 'webhook-signature': 'v1,abc=' }, 'header_malformed'],
  ])('says what is wrong with %s', (_, body, change, reason) => {
    const headers: Record<string, string | undefined> = { ...signed('{"a":1}'), ...change };
    expect(reasonOf(() => verifyCallback(body, headers, SECRET, { now }))).toBe(reason);
  });

  it('accepts a difference of five minutes, or of the given tolerance', () => {
    const at = (seconds: number, toleranceSeconds?: number) =>
      reasonOf(() =>
        verifyCallback('{}', signed('{}', { at: NOW + seconds * 1_000 }), SECRET, {
          now,
          ...(toleranceSeconds !== undefined && { toleranceSeconds }),
        }),
      );
    expect([at(-300), at(300), at(-301), at(301)]).toEqual([
      'verified',
      'verified',
      'timestamp_too_old',
      'timestamp_too_new',
    ]);
    expect([at(-11, 10), at(-3_600, 3_600)]).toEqual(['timestamp_too_old', 'verified']);
  });

  it('says that a signed body is not JSON', () => {
    expect(reasonOf(() => verifyCallback('<a/>', signed('<a/>'), SECRET, { now }))).toBe('body_not_json');
  });

  it('recognises a test callback by its signed payload', () => {
    const isTest = (body: string, header: string) =>
      verifyCallback(body, { ...signed(body), 'webhook-test': header }, SECRET, { now }).isTest;
    expect([isTest('{"test":true}', 'true'), isTest('{}', 'true'), isTest('null', 'true')]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('has the types of the built-in payloads', () => {
    const body = JSON.stringify(deliveryStatus.payload(aNotification({ sentAt: null })));
    const { payload } = verifyCallback<CallbackPayload<'delivery_status'>>(body, signed(body), SECRET, {
      now,
    });
    const times: readonly (string | null)[] = [payload.completed_at, payload.sent_at];
    expect(times).toEqual(['2017-06-20T12:35:02.250000Z', null]);
    // @ts-expect-error: the sender's definition has no such field
    expect(payload.completed).toBeUndefined();
  });

  it('has no secret in its messages', () => {
    expect(() => verifyCallback('{}', signed('{}'), generateSigningSecret(), { now })).toThrow(
      'None of the signatures in webhook-signature (1) is of one of the secrets (1)',
    );
  });

  it('refuses invalid secrets: an empty one would admit anybody', () => {
    for (const secrets of ['', 'whsec_', 'whsec_short', undefined as never])
      expect(() => verifyCallback('{}', signed('{}'), secrets, { now })).toThrow(
        'signing secret 1 is not whsec_ and base64 of 24 to 64 bytes',
      );
    expect(() => verifyCallback('{}', signed('{}'), [], { now })).toThrow(/at least one is needed/);
    expect(() => verifyCallback('{}', signed('{}'), [SECRET, 'a', 'b'], { now })).toThrow(
      /signing secret 2 .*; signing secret 3 /,
    );
  });

  it('refuses a parsed body', () => {
    expect(() => verifyCallback({} as never, signed('{}'), SECRET, { now })).toThrow(
      /bytes of the body, not yet parsed/,
    );
  });
});

describe('verifyBearerToken', () => {
  it('accepts any of the tokens, and says what is wrong with others', () => {
    const reason = (authorization?: string) =>
      reasonOf(() => verifyBearerToken({ authorization }, ['one', 'another']));
    expect([reason('Bearer one'), reason('bearer another')]).toEqual(['verified', 'verified']);
    expect([reason('Bearer on'), reason('Bearer one1'), reason('Basic one'), reason()]).toEqual([
      'bearer_token_mismatch',
      'bearer_token_mismatch',
      'header_malformed',
      'header_missing',
    ]);
  });

  it('refuses invalid tokens', () => {
    expect(() => verifyBearerToken({}, ['', 'one', 'a b'])).toThrow(
      new InvalidReceiverOptionsError([
        'bearer token 1 is not of visible ASCII characters',
        'bearer token 3 is not of visible ASCII characters',
      ]),
    );
    expect(() => verifyBearerToken({}, [])).toThrow(InvalidReceiverOptionsError);
  });
});
