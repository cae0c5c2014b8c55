import { Injectable } from '@nestjs/common';
import { PayloadCipher } from '../security/payload-cipher.js';
import { documentBinding, type CallbackDocument } from './callback-job.js';
import type { Callback } from './callback.js';

/** Puts a callback's document under the key (R9). */
@Injectable()
export class DocumentSealer {
  constructor(private readonly cipher: PayloadCipher) {}

  seal(id: string, document: CallbackDocument): string {
    return this.cipher.encrypt(JSON.stringify(document), documentBinding(id));
  }

  /** The callback with another document, sealed anew. */
  reseal(callback: Callback, document: CallbackDocument): Callback {
    return { ...callback, document, sealed: this.seal(callback.id, document) };
  }
}
