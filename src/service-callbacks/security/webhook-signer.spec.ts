import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Webhook, WebhookVerificationError } from 'standardwebhooks';
import { generateSigningSecret, signingKeyOf } from './signing-secret.js';
import { WebhookSigner } from './webhook-signer.js';

const timestamp = Math.floor(Date.now() / 1000);
const json = fc.json();
const id = fc.string({ unit: 'grapheme-ascii', minLength: 1 });

function headersOf(messageId: string, signature: string): Record<string, string> {
  return { 'webhook-id': messageId, 'webhook-timestamp': `${timestamp}`, 'webhook-signature': signature };
}

describe('WebhookSigner', () => {
  it('is verified by the reference library, whatever is signed', () => {
    const secret = generateSigningSecret();
    const signer = new WebhookSigner();
    fc.assert(
      fc.property(id, json, (messageId, body) => {
        const signature = signer.sign({ id: messageId, timestamp, body }, [secret]);
        expect(new Webhook(secret).verify(body, headersOf(messageId, signature))).toEqual(JSON.parse(body));
      }),
    );
  });

  it('is verified under each of several secrets, and under no other', () => {
    const secrets = [generateSigningSecret(), generateSigningSecret()];
    const signature = new WebhookSigner().sign({ id: 'msg', timestamp, body: '{}' }, secrets);

    expect(signature).toMatch(/^v1,[A-Za-z0-9+/]{43}= v1,[A-Za-z0-9+/]{43}=$/);
    for (const secret of secrets) new Webhook(secret).verify('{}', headersOf('msg', signature));
    expect(() => new Webhook(generateSigningSecret()).verify('{}', headersOf('msg', signature))).toThrow(
      WebhookVerificationError,
    );
  });

  it('gives the same signature for a secret it has forgotten', () => {
    const signer = new WebhookSigner();
    const secret = generateSigningSecret();
    const message = { id: 'msg', timestamp, body: '{}' };
    const before = signer.sign(message, [secret]);
    for (let n = 0; n < 10_001; n += 1) signer.sign(message, [`whsec_${n}`]);

    expect(signer.sign(message, [secret])).toBe(before);
  });
});

describe('generateSigningSecret', () => {
  it('makes 32 random bytes, in the form that receivers accept', () => {
    const secret = generateSigningSecret();
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]+=*$/);
    expect(signingKeyOf(secret)).toHaveLength(32);
    expect(generateSigningSecret()).not.toBe(secret);
  });
});
