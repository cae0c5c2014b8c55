import { decodePlace, encodePlace } from './list-cursor.js';
import type { LogCursor } from './records.js';

/** Opaque to clients; it encodes where the last page ended. */
export function encodeLogCursor({ queuedAt: at, id }: LogCursor): string {
  return encodePlace({ at, id });
}

/** @returns undefined for an invalid cursor */
export function decodeLogCursor(cursor: string): LogCursor | undefined {
  const place = decodePlace(cursor);
  return place && { queuedAt: place.at, id: place.id };
}
