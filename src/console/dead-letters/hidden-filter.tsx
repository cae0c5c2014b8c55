import type { DeadLetterQuery } from './dead-letter-query.js';
import { filterFields } from './filter-fields.js';

/** Sends the filter along with a form. */
export const HiddenFilter = ({ query }: { readonly query: DeadLetterQuery }) => (
  <>
    {Object.entries(filterFields(query)).map(
      ([name, value]) => value && <input key={name} type="hidden" name={name} value={value} />,
    )}
  </>
);
