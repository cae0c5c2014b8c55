import { validate, version } from 'uuid';

/** Random from its first character, or from where a time of 48 bits ends: so much of it is one id's alone. */
const SHORT = { random: 8, timeOrdered: 18 } as const;

/** The beginning of an id, which the search finds it by; what is no UUID is shown whole. */
export function shortId(id: string): string {
  if (!validate(id)) return id;
  return id.slice(0, version(id) === 7 ? SHORT.timeOrdered : SHORT.random);
}
