import type { GivenUpQuery } from './given-up-query.js';
import { filterFields } from './filter-fields.js';

/** Sends the filter along with a form. */
export const HiddenFilter = ({ query }: { readonly query: GivenUpQuery }) => (
  <>
    {Object.entries(filterFields(query)).map(
      ([name, value]) => value && <input key={name} type="hidden" name={name} value={value} />,
    )}
  </>
);
