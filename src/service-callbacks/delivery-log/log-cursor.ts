import { z } from 'zod';
import type { LogCursor } from './records.js';

const shape = z.tuple([z.iso.datetime(), z.uuid()]);

/** Opaque to whoever pages through; says where the last page ended. */
export function encodeLogCursor({ queuedAt, id }: LogCursor): string {
  return Buffer.from(JSON.stringify([queuedAt.toISOString(), id])).toString('base64url');
}

/** @returns undefined for what this service never made. */
export function decodeLogCursor(cursor: string): LogCursor | undefined {
  try {
    const [queuedAt, id] = shape.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
    return { queuedAt: new Date(queuedAt), id };
  } catch {
    return undefined;
  }
}
