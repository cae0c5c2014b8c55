import { Injectable } from '@nestjs/common';
import { PayloadCipher } from '../security/payload-cipher.js';
import { parsedJson, problemsOf } from '../unknown-json.js';
import { callbackDocumentSchema, documentBinding, type CallbackDocument } from './callback-job.js';

export type OpenedDocument =
  | { readonly kind: 'open'; readonly document: CallbackDocument }
  /** @property detail what is wrong with it, in words; no part of its contents. */
  | { readonly kind: 'closed'; readonly detail: string };

/** Takes a callback's document from under the key; never throws. */
@Injectable()
export class DocumentOpener {
  constructor(private readonly cipher: PayloadCipher) {}

  open(sealed: string, id: string): OpenedDocument {
    const text = this.decrypt(sealed, id);
    if (typeof text !== 'string') return text;
    const document = callbackDocumentSchema.safeParse(parsedJson(text));
    return document.success
      ? { kind: 'open', document: { v: 1, ...document.data } }
      : { kind: 'closed', detail: `the document is not one: ${problemsOf(document.error)}` };
  }

  private decrypt(sealed: string, id: string): string | OpenedDocument {
    try {
      return this.cipher.decrypt(sealed, documentBinding(id));
    } catch (error) {
      // The cipher's messages name keys, never contents.
      return {
        kind: 'closed',
        detail: error instanceof Error ? error.message : 'the document does not decrypt',
      };
    }
  }
}
