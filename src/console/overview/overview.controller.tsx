import { Get, Inject, Query, Res } from '@nestjs/common';
import type { Response } from 'express';
import { RequiresScope } from '../../http/requires-scope.decorator.js';
import { Clock } from '../../service-callbacks/clock.js';
import { OverviewReader } from '../../service-callbacks/reporting/overview.reader.js';
import { DisablePolicy } from '../../service-callbacks/endpoint-health/disable-policy.js';
import type { EndpointHealthOptions } from '../../service-callbacks/service-callbacks.options.js';
import { ENDPOINT_HEALTH_OPTIONS } from '../../service-callbacks/tokens.js';
import { sendPage } from '../page/send-page.js';
import { paths, withQuery } from '../paths.js';
import { CurrentSession, scopeOf, type ConsoleSession } from '../session/console-session.js';
import { SessionPages } from '../session-pages.decorator.js';
import { OverviewPage } from './overview-page.js';

/** Endpoints on a page, and at most. */
const ENDPOINTS = { step: 50, max: 1_000 } as const;

@SessionPages('console')
@RequiresScope('callbacks:read')
export class OverviewController {
  private readonly policy: DisablePolicy;

  constructor(
    private readonly reader: OverviewReader,
    private readonly clock: Clock,
    @Inject(ENDPOINT_HEALTH_OPTIONS) { disableAfterMs }: EndpointHealthOptions,
  ) {
    this.policy = new DisablePolicy(disableAfterMs);
  }

  @Get()
  async show(
    @CurrentSession() session: ConsoleSession,
    @Res() response: Response,
    @Query('endpoints') asked?: string,
  ): Promise<void> {
    const limit = limitOf(asked);
    const overview = await this.reader.read(scopeOf(session), limit);
    const hasMore = overview.endpoints.length === limit && limit < ENDPOINTS.max;
    const more = hasMore ? withQuery(paths.overview, { endpoints: String(limit * 2) }) : null;
    const now = new Date(this.clock.now());
    const address = withQuery(paths.overview, { endpoints: asked === undefined ? undefined : String(limit) });
    sendPage(response, <OverviewPage {...{ session, overview, policy: this.policy, address, more, now }} />);
  }
}

function limitOf(asked: string | undefined): number {
  const number = Number(asked);
  return Number.isInteger(number)
    ? Math.min(Math.max(number, ENDPOINTS.step), ENDPOINTS.max)
    : ENDPOINTS.step;
}
