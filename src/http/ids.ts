import { z } from 'zod';
import { EXAMPLE_IDS } from './examples.js';
import { fieldError } from './request-body.js';

/** The most characters of an id. */
const MAX_LENGTH = 255;
/** Control characters, and the separators of ids in lists and keys. */
const NOT_IN_AN_ID = /[\p{Cc},:]/u;

/** @returns what is wrong with an id, as the end of a sentence */
export function problemOfId(id: unknown): string | undefined {
  if (typeof id !== 'string') return 'is not text';
  if (id === '') return 'is empty';
  if (id.length > MAX_LENGTH) return `is longer than ${MAX_LENGTH} characters`;
  return NOT_IN_AN_ID.test(id) ? 'has a control character, a comma or a colon in it' : undefined;
}

/**
 * An id that a host gives: 1 to 255 characters, no control characters, no `,` or `:`.
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
      // zod shows no example for a transformed schema, so the example is set before the transformation.
      .meta({ minLength: 1, maxLength: MAX_LENGTH, examples: [example], description })
      .transform(lowerCaseUuid)
  );
}

/** The id of a service in a path. */
export const serviceIdParam = idText('service_id', {
  example: EXAMPLE_IDS.service,
  description: 'The service',
});

/** A UUID in a path. */
export const uuidParam = z.uuid().toLowerCase();

/** Upper and lower case are the same id (RFC 9562, section 4). */
function lowerCaseUuid(id: string): string {
  return z.uuid().safeParse(id).success ? id.toLowerCase() : id;
}
