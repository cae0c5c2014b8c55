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
  if (Object.hasOwn(payload, '__proto__'))
    throw new UnsendablePayloadError(type, 'has an own key "__proto__", which many receivers drop');
  try {
    const text = JSON.stringify(payload, (key, value: unknown) => {
      if (typeof value === 'bigint') throw new UnsendablePayloadError(type, `has a BigInt at "${key}"`);
      return typeof value === 'string' ? value.toWellFormed() : value;
    });
    // A `toJSON()` of the payload may return anything.
    if (!text?.startsWith('{')) throw new UnsendablePayloadError(type, 'is no JSON object');
    return text;
  } catch (error) {
    if (error instanceof UnsendablePayloadError) throw error;
    throw new UnsendablePayloadError(type, `cannot be written as JSON: ${(error as Error).message}`, error);
  }
}

function described(payload: unknown): string {
  if (Array.isArray(payload)) return 'an array';
  return typeof payload === 'object' || payload === undefined ? inspect(payload) : `a ${typeof payload}`;
}
