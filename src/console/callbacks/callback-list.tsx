import type { LoggedCallback } from '../../service-callbacks/history/records.js';
import type { DeliveryLogOptions } from '../../service-callbacks/service-callbacks.options.js';
import { DataTable } from '../page/data-table.js';
import { Id } from '../page/id.js';
import { Empty, Notice } from '../page/notice.js';
import { Pager } from '../page/pager.js';
import { When } from '../page/when.js';
import { paths, withQuery } from '../paths.js';
import { count } from '../words/counts.js';
import { isDue, relative } from '../words/durations.js';
import { typeWords } from '../words/failures.js';
import { shortId } from '../words/ids.js';
import { CallbackFilter, type CallbackFilterProps } from './callback-filter.js';
import type { CallbackFields, CallbackQuery } from './callback-query.js';
import { CallbackState, isOnHold, outcomeWords } from './callback-state.js';

export interface CallbackListView extends Pick<CallbackFilterProps, 'choices' | 'isFailing'> {
  /** The page that the list is on. */
  readonly action: string;
  readonly query: CallbackQuery;
  readonly callbacks: readonly LoggedCallback[];
  /** Cursor of the next page. */
  readonly next: string | null;
  readonly now: Date;
  /** Which delivered callbacks are shown: `CALLBACK_DELIVERY_LOG`. */
  readonly keep: DeliveryLogOptions['keep'];
}

/** Callbacks, newest first, with their filter; on a page of its own and on an endpoint's. */
export const CallbackList = (view: CallbackListView) => {
  const { action, query, callbacks, next, now, keep, choices } = view;
  const address = (after?: string) => `${callbackListAddress(view, after)}#callbacks`;
  const isFiltered = query.filter === undefined || Object.values(fieldsOf(query)).some(Boolean);
  const showsService = choices?.service !== undefined;
  return (
    <>
      <Kept keep={keep} />
      {query.fields.replay && <OfReplay query={query} id={query.fields.replay} />}
      <CallbackFilter {...{ action, query, isFiltered, choices }} isFailing={view.isFailing} />
      {callbacks.length === 0 ? (
        <Nothing isFiltered={isFiltered} hasOlder={next !== null} />
      ) : (
        <DataTable
          caption="Callbacks, newest first"
          hideCaption
          lines
          head={[
            'Accepted',
            'State',
            'Last response',
            ...(choices === null ? [] : ['Endpoint']),
            ...(showsService ? ['Service'] : []),
            'Subject',
            'Attempts',
          ]}
          numeric={[4 + Number(choices !== null) + Number(showsService)]}
        >
          {callbacks.map((callback) => (
            <Row key={callback.id} showsEndpoint={choices !== null} {...{ callback, now, showsService }} />
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
  const { service, endpoint, type, state, reason, subject, period, since, until, replay } = fields;
  return { service, endpoint, type, state, reason, subject, period, since, until, replay };
}

const OfReplay = ({ query: { problems }, id }: Pick<CallbackListView, 'query'> & { readonly id: string }) =>
  problems.replay === undefined ? (
    <p class="quiet">
      Callbacks of one replay. <a href={paths.replay(id)}>Its progress</a>
    </p>
  ) : (
    <p class="problem">{JSON.stringify(id)} is no id of a replay</p>
  );

/** A list that leaves callbacks out says so: they may have been delivered. */
const Kept = ({ keep }: Pick<CallbackListView, 'keep'>) => {
  switch (keep) {
    case 'all':
      return null;
    case 'failures':
      return (
        <p class="quiet">
          Callbacks that the first attempt delivered are not listed: CALLBACK_DELIVERY_LOG=failures.
        </p>
      );
    case 'off':
      return (
        <Notice tone="warn" title="Callbacks that were delivered are not listed">
          <p>CALLBACK_DELIVERY_LOG=off. Charts and the health of endpoints count them.</p>
        </Notice>
      );
  }
};

interface NothingProps {
  readonly isFiltered: boolean;
  /** Older ones have not been read. */
  readonly hasOlder: boolean;
}

const Nothing = ({ isFiltered, hasOlder }: NothingProps) =>
  hasOlder ? (
    <Empty title="No callback matches so far">
      <p>The newest of each state have been read. “Older” continues with the others.</p>
    </Empty>
  ) : isFiltered ? (
    <Empty title="No callback matches">
      <p>Widen the filter, or clear it.</p>
    </Empty>
  ) : (
    <Empty title="No callbacks yet">
      <p>Each callback is listed as soon as it is accepted.</p>
    </Empty>
  );

interface RowProps {
  readonly callback: LoggedCallback;
  readonly now: Date;
  readonly showsEndpoint: boolean;
  readonly showsService: boolean;
}

const Row = ({ callback, now, showsEndpoint, showsService }: RowProps) => {
  const { id, serviceId, subjectId, queuedAt, callbackType, attemptCount } = callback;
  return (
    <tr>
      <th scope="row">
        {serviceId === null ? (
          <When at={queuedAt} now={now} withDistance={false} />
        ) : (
          <a class="row-link" href={paths.callback(serviceId, id)}>
            <When at={queuedAt} now={now} withDistance={false} />
          </a>
        )}
      </th>
      <td class="state">
        <CallbackState state={callback.state} />
      </td>
      <td class="outcome">
        {outcomeWords(callback)}
        <Next callback={callback} now={now} />
      </td>
      {showsEndpoint && (
        <td class="target">
          <Target callback={callback} />
          <span class="under type">{typeWords(callbackType)}</span>
        </td>
      )}
      {showsService && (
        <td class="wide-only">
          {serviceId === null ? (
            '—'
          ) : (
            <a href={withQuery(paths.callbacks, { service: serviceId })} title={serviceId}>
              <code>{shortId(serviceId)}</code>
            </a>
          )}
        </td>
      )}
      <td class="wide-only">{subjectId === null ? '—' : <Id id={subjectId} what="subject" />}</td>
      <td class="wide-only number">{count(attemptCount)}</td>
    </tr>
  );
};

/** When a callback that waits gets its next attempt. */
const Next = ({ callback, now }: Pick<RowProps, 'callback' | 'now'>) => {
  const { nextAttemptAt, replayRequestedAt } = callback;
  if (replayRequestedAt !== null) return <span class="under">waits for its replay</span>;
  if (nextAttemptAt === null) return null;
  const what = isOnHold(callback) ? 'on hold; next attempt' : 'next attempt';
  return (
    <span class="under" title={nextAttemptAt.toISOString()}>
      {what} {isDue(nextAttemptAt, now) ? 'due now' : relative(nextAttemptAt, now)}
    </span>
  );
};

const Target = ({
  callback: { serviceId, callbackApiId, url, isEndpointDeleted },
}: Pick<RowProps, 'callback'>) => {
  const words = url?.replace(/^https?:\/\//, '') ?? '—';
  if (serviceId === null || callbackApiId === null || isEndpointDeleted)
    return (
      <>
        <span class="url" title={url ?? undefined}>
          {words}
        </span>
        {isEndpointDeleted && ' (deleted)'}
      </>
    );
  return (
    <a class="url" href={paths.endpoint(serviceId, callbackApiId)} title={url ?? undefined}>
      {words}
    </a>
  );
};
