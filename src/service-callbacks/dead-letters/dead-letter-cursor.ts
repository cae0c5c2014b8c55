import { z } from 'zod';
import type { DeadLetterCursor } from './dead-letter.repository.js';

const shape = z.tuple([z.iso.datetime(), z.uuid()]);

/** Opaque to whoever pages through; says where the last page ended. */
export function encodeCursor({ givenUpAt, id }: DeadLetterCursor): string {
  return Buffer.from(JSON.stringify([givenUpAt.toISOString(), id])).toString('base64url');
}

/** @returns undefined for what this service never made. */
export function decodeCursor(cursor: string): DeadLetterCursor | undefined {
  try {
    const [givenUpAt, id] = shape.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
    return { givenUpAt: new Date(givenUpAt), id };
  } catch {
    return undefined;
  }
}
