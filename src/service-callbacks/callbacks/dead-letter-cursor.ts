import { decodePlace, encodePlace } from './list-cursor.js';
import type { DeadLetterCursor } from './dead-letter.repository.js';

/** Opaque to clients; it encodes where the last page ended. */
export function encodeCursor({ givenUpAt: at, id }: DeadLetterCursor): string {
  return encodePlace({ at, id });
}

/** @returns undefined for an invalid cursor */
export function decodeCursor(cursor: string): DeadLetterCursor | undefined {
  const place = decodePlace(cursor);
  return place && { givenUpAt: place.at, id: place.id };
}
