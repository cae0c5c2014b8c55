import { Injectable } from '@nestjs/common';
import { Clock } from '../clock.js';
import { CallbackRepository } from '../callbacks/callback.repository.js';
import { EndpointsRepository } from './endpoints.repository.js';
import { FiguresRepository } from './figures.repository.js';
import { percentilesOf } from '../figures/histogram.js';
import { HOUR_MS, MINUTE_MS, series, startOfSeries } from '../figures/outcomes.js';
import { HoldRepository } from '../holds/hold.repository.js';
import { ProcessesRepository } from './processes.repository.js';
import type { EndpointQuery, EndpointSummary, LogScope, OutcomesAt, Overview } from '../history/records.js';

const MINUTES = 60;
const HOURS = 24;
const MAX_COUNTED = 100_000;
const WORST = 5;

/** The state of everything, at a glance. */
@Injectable()
export class OverviewReader {
  constructor(
    private readonly figures: FiguresRepository,
    private readonly endpoints: EndpointsRepository,
    private readonly holds: HoldRepository,
    private readonly processes: ProcessesRepository,
    private readonly clock: Clock,
    private readonly callbacks: CallbackRepository,
  ) {}

  /** @param query which endpoints, in which order */
  async read(scope: LogScope, query: EndpointQuery = {}): Promise<Overview> {
    const now = this.clock.now();
    const hourStart = new Date(startOfSeries(now, MINUTE_MS, MINUTES));
    const dayStart = new Date(startOfSeries(now, HOUR_MS, HOURS));
    // One after the other: a page must not take the whole pool.
    const lastHour = series(await this.figures.minutes(scope, hourStart), now, MINUTE_MS, MINUTES);
    const lastDay = series(await this.figures.hours(scope, dayStart), now, HOUR_MS, HOURS);
    const fiveMinutes = await this.figures.forwardHistogram(scope, new Date(now - 5 * MINUTE_MS));
    const hour = await this.figures.forwardHistogram(scope, hourStart);
    const openCircuits = await this.holds.circuits(scope);
    const circuits = new Map(openCircuits.map((circuit) => [circuit.callbackApiId, circuit]));
    const list = async (order: EndpointQuery): Promise<EndpointSummary[]> => {
      const found = await this.endpoints.list(scope, dayStart, order);
      return found.map((each) => ({ ...each, circuit: circuits.get(each.callbackApiId) ?? null }));
    };
    return {
      callbacksPerSecond: finishedPerSecond(lastHour, now),
      forwardDelay: { fiveMinutes: percentilesOf(fiveMinutes), hour: percentilesOf(hour) },
      openCircuits,
      deadLetters: await this.endpoints.deadLetters(scope, MAX_COUNTED),
      waiting: await this.endpoints.waiting(scope, MAX_COUNTED),
      lastHour,
      lastDay,
      allEndpoints: await this.endpoints.count(scope),
      failing: await this.endpoints.failing(scope),
      disabledEndpoints: await this.endpoints.disabled(scope),
      endpoints: await list(query),
      worst: await list({ state: 'failing', limit: WORST }),
      ...(await this.ofThePlatform(scope, now)),
    };
  }

  /** A service may not see what concerns all services together. */
  private async ofThePlatform(scope: LogScope, now: number) {
    if (scope !== 'all') return { inFlight: null, oldestDueMs: null, processes: null, droppedFacts: null };
    const { processes, inFlight, dropped } = await this.processes.sums(now);
    return { inFlight, processes, droppedFacts: dropped, oldestDueMs: await this.callbacks.oldestDueMs() };
  }
}

/** Over the current minute and the one before: never less than a minute. */
function finishedPerSecond(minutes: readonly OutcomesAt[], now: number): number {
  const last = minutes.slice(-2);
  const start = last[0]?.at.getTime() ?? now;
  const finished = last.reduce((sum, { delivered, givenUp }) => sum + delivered + givenUp, 0);
  return (finished * 1_000) / Math.max(1_000, now - start);
}
