import type { EndpointOrder, EndpointSummary } from '../../service-callbacks/history/records.js';
import type { DisablePolicy } from '../../service-callbacks/endpoint-health/disable-policy.js';
import { BadgeLink } from '../page/badge.js';
import { DataTable } from '../page/data-table.js';
import { Button, PostForm } from '../page/form.js';
import { Id } from '../page/id.js';
import { paths, withQuery } from '../paths.js';
import { can, type ConsoleSession } from '../session/console-session.js';
import { atMost, count } from '../words/counts.js';
import { healthWords } from '../words/endpoint-health.js';
import { typeWords } from '../words/failures.js';
import { overviewAddress, type OverviewQuery } from './overview-query.js';

/** How far the waiting callbacks of an endpoint are counted in a list. */
const MAX_WAITING = 1_000;

interface TableProps {
  readonly session: ConsoleSession;
  readonly now: Date;
  readonly policy: DisablePolicy;
  readonly endpoints: readonly EndpointSummary[];
}

/** The figures of an endpoint, most of them for the last 24 hours. */
const FIGURES: readonly {
  readonly order: EndpointOrder;
  readonly words: string;
  /** On a phone. */
  readonly short?: string;
  readonly figure: (endpoint: EndpointSummary) => string;
}[] = [
  { order: 'waiting', words: 'Waiting', figure: ({ waiting }) => atMost(waiting, MAX_WAITING) },
  { order: 'delivered', words: 'Delivered', figure: ({ day }) => count(day.delivered) },
  { order: 'failed', words: 'Failed attempts', short: 'Failed', figure: ({ day }) => count(day.failed) },
  { order: 'given_up', words: 'Given up', figure: ({ day }) => count(day.givenUp) },
];

export const EndpointsTable = ({ query, ...table }: TableProps & { readonly query: OverviewQuery }) => {
  const isOperator = table.session.caller.serviceId === undefined;
  const sortable = (order: EndpointOrder, words: string) => ({
    words: <a href={`${overviewAddress({ ...query, order })}#endpoints`}>{words}</a>,
    ...(query.order === order && {
      sorted: order === 'url' ? ('ascending' as const) : ('descending' as const),
    }),
  });
  const head = [
    sortable('url', 'Endpoint'),
    ...(isOperator ? [{ words: 'Service' }] : []),
    sortable('trouble', 'State'),
    ...FIGURES.map(({ order, words }) => ({ ...sortable(order, words), isNumber: true })),
  ];
  return (
    <DataTable caption="Waiting: now. The other figures: of the last 24 hours." cards head={head}>
      {table.endpoints.map((endpoint) => (
        <tr key={endpoint.callbackApiId} id={`endpoint-${endpoint.callbackApiId}`}>
          <Address endpoint={endpoint} />
          {isOperator && (
            <td data-label="Service">
              <Service id={endpoint.serviceId} />
            </td>
          )}
          <State {...table} endpoint={endpoint} />
          {FIGURES.map(({ words, short, figure }) => (
            <td key={words} data-label={short ?? words} class="number">
              {figure(endpoint)}
            </td>
          ))}
        </tr>
      ))}
    </DataTable>
  );
};

/** The current failure, its reason, and the next thing to do. */
export const WorstTable = (table: TableProps) => {
  const mayTest = can(table.session, 'callbacks:write');
  return (
    <DataTable
      caption="Endpoints that have failed for longest"
      hideCaption
      cards
      head={[
        { words: 'Endpoint' },
        { words: 'State' },
        { words: 'Waiting', isNumber: true },
        ...(mayTest ? [{ words: <span class="visually-hidden">Action</span> }] : []),
      ]}
    >
      {table.endpoints.map((endpoint) => (
        <tr key={endpoint.callbackApiId} id={`worst-${endpoint.callbackApiId}`}>
          <Address endpoint={endpoint} />
          <State {...table} endpoint={endpoint} />
          <td data-label="Waiting" class="number">
            {atMost(endpoint.waiting, MAX_WAITING)}
          </td>
          {mayTest && (
            <td>
              <PostForm action={`${pageOf(endpoint)}/test`} csrf={table.session.csrf}>
                <Button aria-label={`Send a test callback to ${endpoint.url}`}>Send a test callback</Button>
              </PostForm>
            </td>
          )}
        </tr>
      ))}
    </DataTable>
  );
};

interface EndpointProps {
  readonly endpoint: EndpointSummary;
}

const Address = ({ endpoint }: EndpointProps) => (
  <th scope="row" class="address">
    <a class="row-link" href={pageOf(endpoint)}>
      {endpoint.url}
    </a>
    <span class="under">
      {typeWords(endpoint.callbackType)}{' '}
      <Id id={endpoint.callbackApiId} what="endpoint" href={pageOf(endpoint)} />
    </span>
  </th>
);

const Service = ({ id }: { readonly id: string }) => (
  <Id id={id} what="service" href={withQuery(paths.overview, { text: id })} />
);

const State = ({ endpoint, policy, now }: EndpointProps & Pick<TableProps, 'policy' | 'now'>) => {
  const { tone, state, sentence } = healthWords(endpoint, policy, now);
  return (
    <td data-label="State">
      <BadgeLink tone={tone} href={pageOf(endpoint)}>
        {state}
      </BadgeLink>
      <span class="under">{sentence}</span>
    </td>
  );
};

function pageOf({ serviceId, callbackApiId }: EndpointSummary): string {
  return paths.endpoint(serviceId, callbackApiId);
}
