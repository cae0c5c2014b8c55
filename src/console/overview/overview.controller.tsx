import { Get, Inject, Query, Res } from '@nestjs/common';
import type { Response } from 'express';
import { RequiresScope } from '../../http/access.decorators.js';
import { Clock } from '../../service-callbacks/clock.js';
import { OverviewReader } from '../../service-callbacks/reporting/overview.reader.js';
import { DisablePolicy } from '../../service-callbacks/endpoint-health/disable-policy.js';
import type { EndpointHealthOptions } from '../../service-callbacks/service-callbacks.options.js';
import { ENDPOINT_HEALTH_OPTIONS } from '../../service-callbacks/tokens.js';
import { sendPage } from '../page/send-page.js';
import { CurrentSession, scopeOf, type ConsoleSession } from '../session/console-session.js';
import { SessionPages } from '../session-pages.decorator.js';
import { OverviewPage } from './overview-page.js';
import { overviewQueryOf } from './overview-query.js';

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
    @Query() given: unknown,
    @Res() response: Response,
  ): Promise<void> {
    const query = overviewQueryOf(given);
    const overview = await this.reader.read(scopeOf(session), query);
    const now = new Date(this.clock.now());
    sendPage(response, <OverviewPage {...{ session, overview, query, policy: this.policy, now }} />);
  }
}
