import { validate } from 'uuid';

/** What is no UUID is nobody's id, and no question for the database. */
export function isId(text: string | null | undefined): text is string {
  return validate(text);
}
