import { z } from 'zod';
import type { LogCursor } from './records.js';
import type { DeadLetterCursor } from './dead-letter.repository.js';

export function encodeLogCursor({ queuedAt: at, id }: LogCursor): string {
  return encodePlace({ at, id });
}

export function decodeLogCursor(cursor: string): LogCursor | undefined {
  const place = decodePlace(cursor);
  return place && { queuedAt: place.at, id: place.id };
}

export function encodeCursor({ givenUpAt: at, id }: DeadLetterCursor): string {
  return encodePlace({ at, id });
}

export function decodeCursor(cursor: string): DeadLetterCursor | undefined {
  const place = decodePlace(cursor);
  return place && { givenUpAt: place.at, id: place.id };
}

/** Where a page of a list ended: the list is in the order of times, then of ids. As text it is opaque to clients. */
interface Place {
  readonly at: Date;
  readonly id: string;
}

const shape = z.tuple([z.iso.datetime(), z.uuid()]);

function encodePlace({ at, id }: Place): string {
  return Buffer.from(JSON.stringify([at.toISOString(), id])).toString('base64url');
}

/** @returns undefined for an invalid cursor */
function decodePlace(cursor: string): Place | undefined {
  try {
    const [at, id] = shape.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
    return { at: new Date(at), id };
  } catch {
    return undefined;
  }
}
