import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { signingKeyOf } from './signing-secret.js';

/** So many secrets are kept decoded; the one that was used longest ago makes room. */
const MAX_KEYS = 10_000;

/** What is signed: a receiver has all of it before it reads the body as JSON. */
export interface SignedMessage {
  /** The callback's, the same over every attempt. */
  readonly id: string;
  /** The attempt's time, Unix seconds. */
  readonly timestamp: number;
  readonly body: string;
}

/** Signs to the Standard Webhooks specification: HMAC-SHA256 over `id.timestamp.body`. */
export class WebhookSigner {
  private readonly keys = new Map<string, KeyObject>();

  /**
   * @param secrets the one in use first, then those that are still accepted after a rotation; at least one
   * @returns `webhook-signature`: `v1,<base64>` for each secret, separated by spaces
   */
  sign({ id, timestamp, body }: SignedMessage, secrets: readonly string[]): string {
    const text = `${id}.${timestamp}.${body}`;
    return secrets
      .map((secret) => `v1,${createHmac('sha256', this.keyOf(secret)).update(text).digest('base64')}`)
      .join(' ');
  }

  private keyOf(secret: string): KeyObject {
    const key = this.keys.get(secret) ?? createSecretKey(signingKeyOf(secret));
    // A map is ordered by insertion: what was used last goes to its end.
    this.keys.delete(secret);
    this.keys.set(secret, key);
    if (this.keys.size > MAX_KEYS) this.forgetOldest();
    return key;
  }

  private forgetOldest(): void {
    const [oldest] = this.keys.keys();
    if (oldest !== undefined) this.keys.delete(oldest);
  }
}
