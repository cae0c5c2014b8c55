import { randomBytes } from 'node:crypto';

/** The prefix of a symmetric secret (Standard Webhooks, "Signature scheme"). */
const PREFIX = 'whsec_';

/** 256 bits; Standard Webhooks requires 24 to 64 bytes. */
const SECRET_BYTES = 32;

/** A new secret: `whsec_` and base64, as receivers' libraries accept it. */
export function generateSigningSecret(): string {
  return PREFIX + randomBytes(SECRET_BYTES).toString('base64');
}

/** The key of a secret, with or without its prefix, as the reference library reads it. */
export function signingKeyOf(secret: string): Buffer {
  return Buffer.from(secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : secret, 'base64');
}
