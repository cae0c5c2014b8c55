import { Injectable } from '@nestjs/common';
import { Clock } from '../clock.js';
import { EndpointsRepository } from './endpoints.repository.js';
import { FiguresRepository } from './figures.repository.js';
import { percentilesOf } from '../figures/histogram.js';
import { HOUR_MS, series, startOfSeries } from '../figures/outcomes.js';
import { HoldRepository } from '../holds/hold.repository.js';
import type { EndpointFigures, LogScope } from '../history/records.js';

const HOURS = 24;

/** The health and figures of one endpoint. */
@Injectable()
export class EndpointReader {
  constructor(
    private readonly endpoints: EndpointsRepository,
    private readonly figures: FiguresRepository,
    private readonly holds: HoldRepository,
    private readonly clock: Clock,
  ) {}

  /** The beginning of the endpoint's failure; null if it does not fail, or is not in scope. */
  async failingSince(scope: LogScope, callbackApiId: string): Promise<Date | null> {
    return (await this.endpoints.health(scope, callbackApiId))?.failingSince ?? null;
  }

  /** @returns null if the endpoint does not exist, or is not in scope */
  async read(scope: LogScope, callbackApiId: string): Promise<EndpointFigures | null> {
    const now = this.clock.now();
    const health = await this.endpoints.health(scope, callbackApiId);
    if (!health) return null;
    const start = new Date(startOfSeries(now, HOUR_MS, HOURS));
    const backlog = await this.endpoints.backlog(callbackApiId);
    const [circuit] = await this.holds.circuits(scope, callbackApiId);
    return {
      ...health,
      hours: series(await this.figures.hours(scope, start, callbackApiId), now, HOUR_MS, HOURS),
      answerMs: percentilesOf(await this.figures.durationHistogram(scope, start, callbackApiId)),
      circuit: circuit ?? null,
      backlog: backlog.count,
      nextAt: backlog.nextAt,
    };
  }
}
