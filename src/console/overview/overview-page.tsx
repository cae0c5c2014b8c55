import type { Overview } from '../../service-callbacks/callbacks/records.js';
import type { DisablePolicy } from '../../service-callbacks/endpoint-health/disable-policy.js';
import { Badge } from '../page/badge.js';
import { OutcomesChart } from '../page/chart.js';
import { Figure } from '../page/figure.js';
import { Layout } from '../page/layout.js';
import { Live } from '../page/live.js';
import { Notice } from '../page/notice.js';
import { PageHeader } from '../page/page-header.js';
import { When } from '../page/when.js';
import { paths } from '../paths.js';
import type { ConsoleSession } from '../session/console-session.js';
import { atMost, count, counted, rate } from '../words/counts.js';
import { duration, latency } from '../words/durations.js';
import { timeOf } from '../words/times.js';
import { EndpointsTable } from './endpoints-table.js';

export interface OverviewView {
  readonly session: ConsoleSession;
  readonly now: Date;
  readonly overview: Overview;
  /** When endpoints that fail are disabled. */
  readonly policy: DisablePolicy;
  /** Where this page is, and where there are more endpoints than on this. */
  readonly address: string;
  readonly more: string | null;
}

/** Waiting longer than this is trouble of the platform's own, ms. */
const LATE_MS = 60_000;
const MAX_DEAD_LETTERS = 100_000;

export const OverviewPage = ({ session, now, overview, policy, address, more }: OverviewView) => (
  <Layout title="Overview" session={session} section="overview" reloadSeconds={60}>
    <Live id="overview" address={address}>
      <PageHeader title="Overview" aside={<Headline overview={overview} hasMore={more !== null} />}>
        <p class="quiet">
          As of <When at={now} now={now} withDistance={false} /> UTC
        </p>
      </PageHeader>
      <Platform overview={overview} />
      <Figures overview={overview} now={now} />
      <div class="charts">
        <OutcomesChart title="Last hour" id="last-hour" series={overview.lastHour} per="minute" />
        <OutcomesChart title="Last 24 hours" id="last-day" series={overview.lastDay} per="hour" />
      </div>
      <section aria-labelledby="endpoints">
        <h2 id="endpoints">Endpoints, worst first</h2>
        <EndpointsTable {...{ session, now, policy }} endpoints={overview.endpoints} />
        {more !== null && (
          <p>
            <a class="button" href={more}>
              Show more endpoints
            </a>
          </p>
        )}
      </section>
    </Live>
  </Layout>
);

interface HeadlineProps extends Pick<OverviewView, 'overview'> {
  readonly hasMore: boolean;
}

const Headline = ({ overview: { endpoints, disabledEndpoints }, hasMore }: HeadlineProps) => {
  const failing = endpoints.filter(
    ({ failingSince, disabledAt }) => failingSince !== null && disabledAt === null,
  ).length;
  if (endpoints.length === 0) return null;
  if (failing === 0 && disabledEndpoints === 0) return <Badge tone="good">No endpoint is failing</Badge>;
  return (
    <div class="actions">
      {failing > 0 && (
        <Badge tone="bad">
          {hasMore && failing === endpoints.length
            ? `${count(failing)} endpoints or more are failing`
            : `${counted(failing, 'endpoint')} failing`}
        </Badge>
      )}
      {disabledEndpoints > 0 && <Badge tone="warn">{count(disabledEndpoints)} disabled</Badge>}
    </div>
  );
};

/** Is it us? What the operators themselves have to look at. */
const Platform = ({ overview: { processes, droppedFacts, oldestDueMs } }: Pick<OverviewView, 'overview'>) => (
  <>
    {processes === 0 && (
      <Notice tone="bad" title="No worker process is running">
        <p>Callbacks are accepted and wait. Start a process with PROCESS_ROLE=worker or all.</p>
      </Notice>
    )}
    {oldestDueMs !== null && oldestDueMs > LATE_MS && (
      <Notice tone="warn" title={`A callback that is due has waited for ${duration(oldestDueMs)}`}>
        <p>The workers do not keep up, or do not take jobs. Look at their log and at /health/ready.</p>
      </Notice>
    )}
    {droppedFacts !== null && droppedFacts > 0 && (
      <Notice tone="warn" title={`${counted(droppedFacts, 'event')} could not be counted`}>
        <p>Deliveries are not affected; the figures of that time are incomplete.</p>
      </Notice>
    )}
  </>
);

const Figures = ({ overview, now }: Pick<OverviewView, 'overview' | 'now'>) => {
  const { fiveMinutes, hour } = overview.forwardDelay;
  const { inFlight, oldestDueMs, deadLetters, openCircuits } = overview;
  return (
    <dl class="figures" id="figures" aria-label={`Figures of ${timeOf(now, now)}`}>
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
          note={counted(overview.processes ?? 0, 'process', 'processes')}
        />
      )}
      {inFlight !== null && (
        <Figure
          name="Oldest due"
          value={oldestDueMs === null ? '—' : oldestDueMs < 1_000 ? 'none' : duration(oldestDueMs)}
          note={oldestDueNote(oldestDueMs)}
          tone={oldestDueMs !== null && oldestDueMs > LATE_MS ? 'warn' : undefined}
        />
      )}
      <Figure
        name="Open circuits"
        value={count(openCircuits.length)}
        note="endpoints given a rest"
        tone={openCircuits.length > 0 ? 'bad' : undefined}
      />
      <Figure
        name="Dead letters"
        value={<a href={paths.deadLetters}>{atMost(deadLetters, MAX_DEAD_LETTERS)}</a>}
        note="given up, and kept"
        tone={deadLetters > 0 ? 'warn' : undefined}
      />
    </dl>
  );
};

function oldestDueNote(oldestDueMs: number | null): string {
  if (oldestDueMs === null) return 'the queue does not answer';
  return oldestDueMs < 1_000 ? 'nothing waits for a worker' : 'waits for a worker';
}
