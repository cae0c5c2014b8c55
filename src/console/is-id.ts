import { validate } from 'uuid';

/** A text that is not a UUID is no id, and needs no query. */
export function isId(text: string | null | undefined): text is string {
  return validate(text);
}
