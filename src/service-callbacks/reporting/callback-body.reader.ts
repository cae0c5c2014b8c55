import { Injectable } from '@nestjs/common';
import { CallbackTypeRegistry } from '../callback-types/callback-type-registry.js';
import { payloadBinding } from '../callbacks/callback.js';
import { CallbackListRepository } from '../history/callback-list.repository.js';
import type { LoggedCallback } from '../history/records.js';
import { CorruptCiphertextError, UnknownEncryptionKeyError } from '../security/errors.js';
import { PayloadCipher } from '../security/payload-cipher.js';
import { parsedJson } from '../unknown-json.js';

/** Replaces a personal field. */
const MASKED = '[masked]';

/** The payload of a callback, as far as the reader may see it. */
export type CallbackBody =
  | {
      readonly kind: 'kept';
      /** JSON as it is sent, with {@link MASKED} in place of masked fields. */
      readonly text: string;
      readonly maskedFields: readonly string[];
      /** Its fields with personal data, whether masked or not. */
      readonly personalFields: readonly string[];
    }
  /** Its retention is over, or it was removed. */
  | { readonly kind: 'not_kept' }
  /** This process does not have its key, or it was altered. */
  | { readonly kind: 'unreadable' };

/** Decrypts the payload of a callback, for a person to read. */
@Injectable()
export class CallbackBodyReader {
  constructor(
    private readonly callbacks: CallbackListRepository,
    private readonly types: CallbackTypeRegistry,
    private readonly cipher: PayloadCipher,
  ) {}

  /** @param showsPersonal whether the reader may see personal data */
  async read(
    serviceId: string,
    { id, callbackType }: Pick<LoggedCallback, 'id' | 'callbackType'>,
    showsPersonal: boolean,
  ): Promise<CallbackBody> {
    const sealed = await this.callbacks.sealedPayload(serviceId, id);
    if (sealed === null) return { kind: 'not_kept' };
    try {
      const text = this.cipher.decrypt(sealed, payloadBinding(id));
      return shown(text, this.types.get(callbackType)?.personalFields, showsPersonal);
    } catch (error) {
      if (error instanceof UnknownEncryptionKeyError || error instanceof CorruptCiphertextError)
        return { kind: 'unreadable' };
      throw error;
    }
  }
}

/** @param personal undefined: all fields */
function shown(text: string, personal: readonly string[] | undefined, showsPersonal: boolean): CallbackBody {
  const payload = parsedJson(text);
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload))
    return { kind: 'kept', text: showsPersonal ? text : `"${MASKED}"`, maskedFields: [], personalFields: [] };
  const personalFields = Object.entries(payload)
    .filter(([name, value]) => value !== null && (personal?.includes(name) ?? true))
    .map(([name]) => name);
  if (showsPersonal) return { kind: 'kept', text, maskedFields: [], personalFields };
  const masked = Object.entries(payload).map(([name, value]: [string, unknown]) => [
    name,
    personalFields.includes(name) ? MASKED : value,
  ]);
  return {
    kind: 'kept',
    text: JSON.stringify(Object.fromEntries(masked)),
    maskedFields: personalFields,
    personalFields,
  };
}
