import { z } from 'zod';
import { EXAMPLE_IDS } from './examples.js';
import { fieldError } from './request-body.js';

/** Characters of an id at most. */
const MAX_LENGTH = 255;
/** Control characters, and what separates ids in lists and keys. */
const NOT_IN_AN_ID = /[\p{Cc},:]/u;

/** @returns what is wrong with an id, as the end of a sentence. */
export function problemOfId(id: unknown): string | undefined {
  if (typeof id !== 'string') return 'is not text';
  if (id === '') return 'is empty';
  if (id.length > MAX_LENGTH) return `is longer than ${MAX_LENGTH} characters`;
  return NOT_IN_AN_ID.test(id) ? 'has a control character, a comma or a colon in it' : undefined;
}

/**
 * An id that a host gives: text of 1 to 255 characters without control characters, `,` and `:`.
 *
 * @param documented for the OpenAPI document
 */
export function idText(
  name: string,
  documented: { readonly example: string; readonly description?: string },
) {
  const { example, description } = documented;
  return (
    z
      .string({ error: fieldError(name, `${name} is not text`) })
      .superRefine((id, context) => {
        const problem = problemOfId(id);
        if (problem !== undefined) context.addIssue({ code: 'custom', message: `${name} ${problem}` });
      })
      // zod shows no example of what it transforms: it is given here, in front of the transformation.
      .meta({ minLength: 1, maxLength: MAX_LENGTH, examples: [example], description })
      .transform(lowerCaseUuid)
  );
}

/** A service in a path. */
export const serviceIdParam = idText('service_id', {
  example: EXAMPLE_IDS.service,
  description: 'The service',
});

/** A UUID that this service made, in a path. */
export const uuidParam = z.uuid().toLowerCase();

/** The same UUID in any case is the same id (RFC 9562, section 4). */
function lowerCaseUuid(id: string): string {
  return z.uuid().safeParse(id).success ? id.toLowerCase() : id;
}
