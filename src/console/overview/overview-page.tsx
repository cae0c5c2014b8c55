import {
  type EndpointState,
  type Overview,
  ENDPOINT_STATES,
} from '../../service-callbacks/history/records.js';
import type { DisablePolicy } from '../../service-callbacks/endpoint-health/disable-policy.js';
import { OutcomesChart } from '../page/chart.js';
import { Select, TextField } from '../page/fields.js';
import { Figure } from '../page/figure.js';
import { Button } from '../page/form.js';
import { Layout } from '../page/layout.js';
import { Live } from '../page/live.js';
import { Empty } from '../page/notice.js';
import { PageHeader } from '../page/page-header.js';
import { When } from '../page/when.js';
import { paths } from '../paths.js';
import type { ConsoleSession } from '../session/console-session.js';
import { atMost, count, counted, rate } from '../words/counts.js';
import { duration, latency } from '../words/durations.js';
import { timeOf } from '../words/times.js';
import { EndpointsTable, WorstTable } from './endpoints-table.js';
import { moreOf, overviewAddress, type OverviewQuery } from './overview-query.js';
import { LATE_MS, PlatformNotices, Standing } from './standing.js';

export interface OverviewView {
  readonly session: ConsoleSession;
  readonly now: Date;
  readonly overview: Overview;
  /** Which endpoints are listed. */
  readonly query: OverviewQuery;
  /** After what time failing endpoints are disabled. */
  readonly policy: DisablePolicy;
}

/** The limit to which given-up and waiting callbacks are counted. */
const MAX_COUNTED = 100_000;

export const OverviewPage = (view: OverviewView) => {
  const { session, now, overview, query, policy } = view;
  return (
    <Layout title="Overview" session={session} section="overview" reloadSeconds={60}>
      <Live id="overview" address={overviewAddress(query)}>
        <PageHeader title="Overview">
          <Standing overview={overview} />
          <p class="quiet">
            As of <When at={now} now={now} withDistance={false} /> UTC
          </p>
        </PageHeader>
        <PlatformNotices overview={overview} />
        {overview.worst.length > 0 && (
          <section aria-labelledby="worst">
            <h2 id="worst">Failing for longest</h2>
            <WorstTable {...{ session, now, policy }} endpoints={overview.worst} />
          </section>
        )}
        <Figures overview={overview} now={now} />
        <div class="charts">
          <OutcomesChart title="Last hour" id="last-hour" series={overview.lastHour} per="minute" />
          <OutcomesChart title="Last 24 hours" id="last-day" series={overview.lastDay} per="hour" />
        </div>
        <Endpoints {...view} />
      </Live>
    </Layout>
  );
};

const Endpoints = ({ session, now, overview, query, policy }: OverviewView) => {
  const more = moreOf(query, overview.endpoints.length);
  return (
    <section aria-labelledby="endpoints">
      <h2 id="endpoints">{query.order === 'trouble' ? 'Endpoints, worst first' : 'Endpoints'}</h2>
      {overview.allEndpoints > 0 && <Filter query={query} />}
      {overview.endpoints.length === 0 ? (
        <NoEndpoint isFiltered={overview.allEndpoints > 0} />
      ) : (
        <EndpointsTable {...{ session, now, policy, query }} endpoints={overview.endpoints} />
      )}
      {more !== null && (
        <p class="pager">
          <a class="button" href={`${more}#endpoints`}>
            Show more endpoints
          </a>
        </p>
      )}
    </section>
  );
};

const STATE_WORDS: Readonly<Record<EndpointState, string>> = {
  failing: 'Failing',
  on_hold: 'On hold',
  disabled: 'Disabled',
  working: 'None of these',
};

const Filter = ({ query: { order, state, text } }: Pick<OverviewView, 'query'>) => (
  <form method="get" action={`${paths.overview}#endpoints`} class="filter" aria-label="Filter endpoints">
    <TextField name="text" label="URL, endpoint or service" value={text} />
    <Select
      name="state"
      label="State"
      value={state}
      options={[['', 'Any'], ...ENDPOINT_STATES.map((each) => [each, STATE_WORDS[each]] as const)]}
    />
    {order !== 'trouble' && <input type="hidden" name="order" value={order} />}
    <div class="filter-buttons">
      <Button>Filter</Button>
      {(state ?? text) !== undefined && <a href={`${overviewAddress({ order })}#endpoints`}>Clear</a>}
    </div>
  </form>
);

const NoEndpoint = ({ isFiltered }: { readonly isFiltered: boolean }) =>
  isFiltered ? (
    <Empty title="No endpoint matches">
      <p>
        <a href={`${paths.overview}#endpoints`}>Show all endpoints</a>
      </p>
    </Empty>
  ) : (
    <Empty title="There are no endpoints yet">
      <p>
        Register one with <code>POST /service/:service_id/callback-api</code>; it appears here at once.
      </p>
    </Empty>
  );

const Figures = ({ overview, now }: Pick<OverviewView, 'overview' | 'now'>) => {
  const { fiveMinutes, hour } = overview.forwardDelay;
  const { inFlight, oldestDueMs, deadLetters, openCircuits, waiting } = overview;
  return (
    <dl class="figures" id="figures" aria-label={`Figures of ${timeOf(now, now)}`}>
      <Figure name="Waiting" value={atMost(waiting, MAX_COUNTED)} note="with retrying and deferred" />
      <Figure
        name="Given up"
        value={<a href={paths.givenUp}>{atMost(deadLetters, MAX_COUNTED)}</a>}
        note="kept, can be replayed"
        tone={deadLetters > 0 ? 'warn' : undefined}
      />
      <Figure
        name="On hold"
        value={
          <a href={`${overviewAddress({ state: 'on_hold' })}#endpoints`}>{count(openCircuits.length)}</a>
        }
        note="endpoints"
        tone={openCircuits.length > 0 ? 'bad' : undefined}
      />
      <Figure name="Callbacks a second" value={rate(overview.callbacksPerSecond)} note="last minute" />
      <Figure
        name="Forward delay, p50"
        value={latency(fiveMinutes.p50)}
        note={`5 min · hour ${latency(hour.p50)}`}
      />
      <Figure
        name="Forward delay, p99"
        value={latency(fiveMinutes.p99)}
        note={`5 min · hour ${latency(hour.p99)}`}
      />
      {inFlight !== null && (
        <Figure
          name="In flight"
          value={count(inFlight)}
          note={`in ${counted(overview.processes ?? 0, 'process', 'processes')}`}
        />
      )}
      {oldestDueMs !== null && (
        <Figure
          name="Oldest due"
          value={oldestDueMs < 1_000 ? 'none' : duration(oldestDueMs)}
          note={oldestDueMs < 1_000 ? 'no callback waits for a worker' : 'waits for a worker'}
          tone={oldestDueMs > LATE_MS ? 'warn' : undefined}
        />
      )}
    </dl>
  );
};
