import { validate, version } from 'uuid';

/** How many characters identify an id: it is random from its beginning, or after a time of 48 bits. */
const SHORT = { random: 8, timeOrdered: 18 } as const;

/** The beginning of an id, by which the search finds it. An id that is no UUID is shown whole. */
export function shortId(id: string): string {
  if (!validate(id)) return id;
  return id.slice(0, version(id) === 7 ? SHORT.timeOrdered : SHORT.random);
}
