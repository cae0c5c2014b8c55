import { GIVE_UP_REASONS } from '../../service-callbacks/callbacks/callback.js';
import { LOG_STATES } from '../../service-callbacks/history/records.js';
import type { CallbackApi } from '../../service-callbacks/endpoints/callback-api.repository.js';
import { Select, TextField } from '../page/fields.js';
import { Button } from '../page/form.js';
import { reasonWords, typeWords } from '../words/failures.js';
import { PERIODS, type CallbackFields, type CallbackQuery, type Period } from './callback-query.js';
import { STATE_WORDS } from './callback-state.js';

const PERIOD_WORDS: Readonly<Record<Period, string>> = {
  '15m': 'Last 15 minutes',
  '1h': 'Last hour',
  '24h': 'Last 24 hours',
  '7d': 'Last 7 days',
  outage: 'Since this outage began',
};

/** The choices on a page with callbacks of several endpoints. */
export interface FilterChoices {
  /** Undefined in a service's own view, which has only one service. */
  readonly service: 'any' | undefined;
  /** The endpoints of the service; undefined if no service is chosen. */
  readonly endpoints: readonly Pick<CallbackApi, 'id' | 'url'>[] | undefined;
  readonly types: readonly string[];
}

export interface CallbackFilterProps {
  readonly action: string;
  readonly query: CallbackQuery;
  readonly isFiltered: boolean;
  /** Null on an endpoint's own page. */
  readonly choices: FilterChoices | null;
  /** The endpoint of the list is failing. */
  readonly isFailing: boolean;
}

/** The filter of a list of callbacks: the common fields; the others are collapsed until one is used. */
export const CallbackFilter = ({ action, query, isFiltered, choices, isFailing }: CallbackFilterProps) => {
  const { fields, problems } = query;
  const rare: readonly (keyof CallbackFields)[] = ['service', 'type', 'reason', 'since', 'until'];
  return (
    <form method="get" action={`${action}#callbacks`} class="filter" aria-label="Filter callbacks">
      <Select
        name="state"
        label="State"
        value={fields.state}
        problem={problems.state}
        options={[['', 'Any'], ...LOG_STATES.map((state) => [state, STATE_WORDS[state]] as const)]}
      />
      <TextField name="subject" label="Subject id" value={fields.subject} problem={problems.subject} />
      {choices !== null && <EndpointField choices={choices} query={query} />}
      <Select
        name="period"
        label="Accepted"
        value={fields.period}
        problem={problems.period}
        options={[
          ['', 'At any time'],
          ...PERIODS.filter((period) => period !== 'outage' || isFailing || fields.period === period).map(
            (period) => [period, PERIOD_WORDS[period]] as const,
          ),
        ]}
      />
      {fields.replay && <input type="hidden" name="replay" value={fields.replay} />}
      <details
        class="filter-more"
        open={rare.some((name) => Boolean(fields[name]) || problems[name] !== undefined)}
      >
        <summary>More</summary>
        <div>
          {choices?.service !== undefined && (
            <TextField name="service" label="Service id" value={fields.service} problem={problems.service} />
          )}
          {choices !== null && (
            <Select
              name="type"
              label="Type"
              value={fields.type}
              problem={problems.type}
              options={[['', 'Any'], ...choices.types.map((type) => [type, typeWords(type)] as const)]}
            />
          )}
          <Select
            name="reason"
            label="Given up because"
            value={fields.reason}
            problem={problems.reason}
            options={[
              ['', 'Any reason'],
              ...GIVE_UP_REASONS.map((reason) => [reason, reasonWords(reason)] as const),
            ]}
          />
          <TextField
            name="since"
            label="Accepted since (UTC)"
            value={fields.since}
            isTime
            problem={problems.since}
          />
          <TextField name="until" label="Until (UTC)" value={fields.until} isTime problem={problems.until} />
        </div>
      </details>
      <div class="filter-buttons">
        <Button>Filter</Button>
        {isFiltered && <a href={`${action}#callbacks`}>Clear</a>}
      </div>
    </form>
  );
};

type EndpointFieldProps = Pick<CallbackFilterProps, 'query'> & { readonly choices: FilterChoices };

/** An endpoint's URL if its service is known, otherwise its id. */
const EndpointField = ({ choices: { endpoints }, query: { fields, problems } }: EndpointFieldProps) => {
  const { endpoint } = fields;
  if (endpoints === undefined)
    return <TextField name="endpoint" label="Endpoint id" value={endpoint} problem={problems.endpoint} />;
  const isGone = endpoint !== undefined && endpoint !== '' && endpoints.every(({ id }) => id !== endpoint);
  return (
    <Select
      name="endpoint"
      label="Endpoint"
      value={endpoint}
      problem={problems.endpoint}
      options={[
        ['', 'Any'],
        ...endpoints.map(({ id, url }) => [id, url] as const),
        ...(isGone ? [[endpoint, endpoint] as const] : []),
      ]}
    />
  );
};
