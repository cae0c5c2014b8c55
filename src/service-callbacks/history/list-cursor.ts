import { z } from 'zod';

const shape = z.tuple([z.iso.datetime(), z.uuid()]);

/** Where a page of a list ended: the list is in the order of times, then of ids. As text it is opaque to clients. */
function cursorOf<Time extends string>(time: Time) {
  type Place = { readonly [Name in Time]: Date } & { readonly id: string };
  return {
    encode: (place: Place): string =>
      Buffer.from(JSON.stringify([place[time].toISOString(), place.id])).toString('base64url'),
    /** @returns undefined for an invalid cursor */
    decode: (cursor: string): Place | undefined => {
      try {
        const [at, id] = shape.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
        return { [time]: new Date(at), id } as Place;
      } catch {
        return undefined;
      }
    },
  };
}

export const { encode: encodeLogCursor, decode: decodeLogCursor } = cursorOf('queuedAt');
export const { encode: encodeDeadLetterCursor, decode: decodeDeadLetterCursor } = cursorOf('givenUpAt');
