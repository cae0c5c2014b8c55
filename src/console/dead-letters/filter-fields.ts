import type { DeadLetterFields, DeadLetterQuery } from './dead-letter-query.js';

/** For the next address, or the hidden fields of a form. */
export function filterFields({
  fields,
}: Pick<DeadLetterQuery, 'fields'>): Record<keyof DeadLetterFields, string | undefined> {
  const { service, endpoint, reason, since, until } = fields;
  return { service, endpoint, reason, since, until };
}
