import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { signingKeyOf } from './signing-secret.js';

/** How many decoded secrets are kept; the least recently used one is dropped. */
const MAX_KEYS = 10_000;

/** The signed parts. A receiver has all of them before it parses the body. */
export interface SignedMessage {
  /** The callback's id, the same on every attempt. */
  readonly id: string;
  /** The time of the attempt, Unix seconds. */
  readonly timestamp: number;
  readonly body: string;
}

/** Signs to the Standard Webhooks specification: HMAC-SHA256 over `id.timestamp.body`. */
export class WebhookSigner {
  private readonly keys = new Map<string, KeyObject>();

  /**
   * @param secrets the current one first, then those still valid after a rotation; at least one
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
    // A map keeps the order of insertion: the secret that was used last goes to the end.
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
