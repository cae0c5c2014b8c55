import type { CallbackTarget } from '../callback-apis/callback-api.repository.js';
import type { CallbackDocument } from './callback-job.js';

/** The part of a document that is the callback API's: where to send, and with which secrets. */
export type Destination = Pick<CallbackDocument, 'url' | 'bearer_token' | 'signing_secrets'>;

export function destinationOf(target: CallbackTarget): Destination {
  return { url: target.url, bearer_token: target.bearerToken, signing_secrets: target.signingSecrets };
}

/** Whether a document says all of it already; one of an older release says less. */
export function isAddressedTo(document: CallbackDocument, destination: Destination): boolean {
  return (
    document.url === destination.url &&
    document.bearer_token === destination.bearer_token &&
    JSON.stringify(document.signing_secrets) === JSON.stringify(destination.signing_secrets)
  );
}
