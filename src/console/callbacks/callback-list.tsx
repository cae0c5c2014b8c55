import { LOG_STATES, type LoggedCallback } from '../../service-callbacks/callbacks/records.js';
import type { DeliveryLogOptions } from '../../service-callbacks/service-callbacks.options.js';
import { DataTable } from '../page/data-table.js';
import { Select, TextField } from '../page/fields.js';
import { Button } from '../page/form.js';
import { Empty, Notice } from '../page/notice.js';
import { Pager } from '../page/pager.js';
import { When } from '../page/when.js';
import { paths, withQuery } from '../paths.js';
import { count } from '../words/counts.js';
import { isDue, nextTry } from '../words/durations.js';
import { typeWords } from '../words/failures.js';
import type { CallbackFields, CallbackQuery } from './callback-query.js';
import { CallbackState, outcomeWords, STATE_WORDS } from './callback-state.js';

export interface CallbackListView {
  /** The page that the list is on. */
  readonly action: string;
  readonly query: CallbackQuery;
  readonly callbacks: readonly LoggedCallback[];
  /** Cursor of the next page. */
  readonly next: string | null;
  readonly now: Date;
  readonly showsService: boolean;
  /** Of which callbacks there are rows: `CALLBACK_DELIVERY_LOG`. */
  readonly keep: DeliveryLogOptions['keep'];
}

/** Callbacks of the log, newest first, with their filter; on a page of its own and on an endpoint's. */
export const CallbackList = (view: CallbackListView) => {
  const { action, query, callbacks, next, now, showsService, keep } = view;
  const address = (after?: string) => `${callbackListAddress(view, after)}#callbacks`;
  const isFiltered = query.filter === undefined || Object.values(fieldsOf(query)).some(Boolean);
  return (
    <>
      <Kept keep={keep} />
      <Filter action={action} query={query} isFiltered={isFiltered} />
      {callbacks.length === 0 ? (
        <Nothing isFiltered={isFiltered} />
      ) : (
        <DataTable
          caption="Callbacks, newest first"
          hideCaption
          cards
          head={[
            'Queued',
            'State',
            'Last answer',
            ...(showsService ? ['Service'] : []),
            'Subject',
            'Attempts',
          ]}
          numeric={[showsService ? 5 : 4]}
        >
          {callbacks.map((callback) => (
            <Row key={callback.id} callback={callback} now={now} showsService={showsService} />
          ))}
        </DataTable>
      )}
      <Pager
        first={query.after === undefined ? null : address()}
        next={next === null ? null : address(next)}
        what="callbacks"
      />
    </>
  );
};

/** The page with the list from this cursor on, under the same filter. */
export function callbackListAddress(
  { action, query }: Pick<CallbackListView, 'action' | 'query'>,
  after?: string,
): string {
  return withQuery(action, { ...fieldsOf(query), after });
}

function fieldsOf({ fields }: CallbackQuery): Readonly<Record<keyof CallbackFields, string | undefined>> {
  return { state: fields.state, subject: fields.subject, since: fields.since, until: fields.until };
}

/** A list that leaves something out says so: what is not here may have been delivered all the same. */
const Kept = ({ keep }: Pick<CallbackListView, 'keep'>) => {
  switch (keep) {
    case 'all':
      return null;
    case 'failures':
      return (
        <p class="quiet">
          Callbacks that were delivered at once are not listed: CALLBACK_DELIVERY_LOG=failures.
        </p>
      );
    case 'off':
      return (
        <Notice tone="warn" title="Callbacks that were delivered are not listed">
          <p>CALLBACK_DELIVERY_LOG=off. Charts and the health of endpoints count them all the same.</p>
        </Notice>
      );
  }
};

interface FilterProps extends Pick<CallbackListView, 'action' | 'query'> {
  readonly isFiltered: boolean;
}

const Filter = ({ action, query: { fields, problems }, isFiltered }: FilterProps) => (
  <form method="get" action={`${action}#callbacks`} class="filter" aria-label="Filter callbacks">
    <Select
      name="state"
      label="State"
      value={fields.state}
      problem={problems.state}
      options={[['', 'Any'], ...LOG_STATES.map((state) => [state, STATE_WORDS[state]] as const)]}
    />
    <TextField name="subject" label="Subject id" value={fields.subject} problem={problems.subject} />
    <TextField name="since" label="Queued since (UTC)" value={fields.since} isTime problem={problems.since} />
    <TextField name="until" label="Until (UTC)" value={fields.until} isTime problem={problems.until} />
    <div class="filter-buttons">
      <Button>Filter</Button>
      {isFiltered && <a href={`${action}#callbacks`}>Clear</a>}
    </div>
  </form>
);

const Nothing = ({ isFiltered }: { readonly isFiltered: boolean }) =>
  isFiltered ? (
    <Empty title="No callback matches">
      <p>Take something out of the filter.</p>
    </Empty>
  ) : (
    <Empty title="No callbacks yet">
      <p>Each callback is listed as soon as it is accepted.</p>
    </Empty>
  );

interface RowProps {
  readonly callback: LoggedCallback;
  readonly now: Date;
  readonly showsService: boolean;
}

const Row = ({ callback, now, showsService }: RowProps) => {
  const { id, serviceId, subjectId, queuedAt, callbackType, attemptCount } = callback;
  return (
    <tr>
      <th scope="row">
        {serviceId === null ? (
          <When at={queuedAt} now={now} />
        ) : (
          <a class="row-link" href={paths.callback(serviceId, id)}>
            <When at={queuedAt} now={now} />
          </a>
        )}
        {showsService && <span class="under">{typeWords(callbackType)}</span>}
      </th>
      <td data-label="State">
        <CallbackState state={callback.state} />
      </td>
      <td data-label="Last answer">
        {outcomeWords(callback)}
        {callback.nextAt !== null && (
          <span class="under">
            {isDue(callback.nextAt, now) ? (
              nextTry(callback.nextAt, now)
            ) : (
              <>
                next try <When at={callback.nextAt} now={now} />
              </>
            )}
          </span>
        )}
      </td>
      {showsService && (
        <td data-label="Service">
          <code title={serviceId ?? undefined}>{serviceId?.slice(0, 8) ?? '—'}</code>
        </td>
      )}
      <td data-label="Subject">
        <code class="id">{subjectId ?? '—'}</code>
      </td>
      <td data-label="Attempts" class="number">
        {count(attemptCount)}
      </td>
    </tr>
  );
};
