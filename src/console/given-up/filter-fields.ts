import type { GivenUpFields, GivenUpQuery } from './given-up-query.js';

/** For the next address, or the hidden fields of a form. */
export function filterFields({
  fields,
}: Pick<GivenUpQuery, 'fields'>): Record<keyof GivenUpFields, string | undefined> {
  const { service, endpoint, reason, since, until } = fields;
  return { service, endpoint, reason, since, until };
}
