import { z } from 'zod';

/** Where a page of a list ended. Lists are in the order of times, then of ids. */
export interface Place {
  readonly at: Date;
  readonly id: string;
}

const shape = z.tuple([z.iso.datetime(), z.uuid()]);

/** Opaque to clients. */
export function encodePlace({ at, id }: Place): string {
  return Buffer.from(JSON.stringify([at.toISOString(), id])).toString('base64url');
}

/** @returns undefined for an invalid cursor */
export function decodePlace(cursor: string): Place | undefined {
  try {
    const [at, id] = shape.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
    return { at: new Date(at), id };
  } catch {
    return undefined;
  }
}
