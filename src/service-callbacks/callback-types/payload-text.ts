import { inspect } from 'node:util';
import { UnsendablePayloadError } from './errors.js';

/**
 * The JSON text of a payload, the same on every attempt and replay. Half of a surrogate pair has no UTF-8 form and
 * becomes U+FFFD.
 * @throws UnsendablePayloadError naming the callback type, and what in the payload cannot be sent
 */
export function payloadText(type: string, payload: unknown): string {
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload))
    throw new UnsendablePayloadError(type, `is ${described(payload)}; it must be an object`);
  try {
    const text = JSON.stringify(payload, (key, value: unknown) => {
      if (typeof value === 'bigint') throw new UnsendablePayloadError(type, `has a BigInt at "${key}"`);
      if (key === '__proto__') refuseProtoKey(type, payload);
      return typeof value === 'string' ? value.toWellFormed() : value;
    });
    // A `toJSON()` of the payload may return anything.
    if (!text?.startsWith('{')) throw new UnsendablePayloadError(type, 'is no JSON object');
    return text.includes('\\ud') ? wellFormed(text) : text;
  } catch (error) {
    if (error instanceof UnsendablePayloadError) throw error;
    throw new UnsendablePayloadError(type, `cannot be written as JSON: ${(error as Error).message}`, error);
  }
}

/** @throws UnsendablePayloadError with the path of the key */
function refuseProtoKey(type: string, payload: object): void {
  const paths = new Map<unknown, string>();
  JSON.stringify(payload, function (this: unknown, key, value: unknown) {
    const path = [paths.get(this), key].filter(Boolean).join('.');
    if (key === '__proto__')
      throw new UnsendablePayloadError(type, `has an own key "${path}", which many receivers drop`);
    paths.set(value, path);
    return value;
  });
}

/** Replaces the escapes of half a surrogate pair, which `JSON.stringify` writes in keys: the only ones with `\ud`. */
function wellFormed(text: string): string {
  return text.replaceAll(/\\(ud...|.)/g, (escape, what: string) => (what.length > 1 ? '\ufffd' : escape));
}

function described(payload: unknown): string {
  if (Array.isArray(payload)) return 'an array';
  return typeof payload === 'object' || payload === undefined ? inspect(payload) : `a ${typeof payload}`;
}
