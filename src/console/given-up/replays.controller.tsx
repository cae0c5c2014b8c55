import { Get, NotFoundException, Param, Post, Query, Res } from '@nestjs/common';
import type { Response } from 'express';
import { RequiresScope } from '../../http/access.decorators.js';
import {
  CallbackApiRepository,
  type CallbackApi,
} from '../../service-callbacks/endpoints/callback-api.repository.js';
import { Clock } from '../../service-callbacks/clock.js';
import { ReplayRunRepository, type ReplayRun } from '../../service-callbacks/replay/replay-run.repository.js';
import { isId } from '../is-id.js';
import { sendPage } from '../page/send-page.js';
import { paths, withQuery } from '../paths.js';
import { CurrentSession, scopeOf, type ConsoleSession } from '../session/console-session.js';
import { SessionPages } from '../session-pages.decorator.js';
import { givenUpQueryOf, type GivenUpQuery } from './given-up-query.js';
import { filterFields } from './filter-fields.js';
import { ReplayPage } from './replay-page.js';

/** A replay of many: its progress, and its stop. */
@SessionPages('console/replays/:id')
export class ReplaysController {
  constructor(
    private readonly runs: ReplayRunRepository,
    private readonly callbackApis: CallbackApiRepository,
    private readonly clock: Clock,
  ) {}

  @Get()
  @RequiresScope('callbacks:read')
  async show(
    @CurrentSession() session: ConsoleSession,
    @Param('id') id: string,
    @Query('done') done: unknown,
    @Query() given: unknown,
    @Res() response: Response,
  ): Promise<void> {
    const run = isId(id) ? await this.runs.find(scopeOf(session), id) : null;
    if (!run) throw new NotFoundException();
    const now = new Date(this.clock.now());
    const query = givenUpQueryOf(given, scopeOf(session));
    const api = await this.endpointOf(run, query);
    const isEnabled = done === 'enabled' && api?.disabledAt === null;
    sendPage(response, <ReplayPage {...{ session, run, query, api, now, isEnabled }} />);
  }

  @Post('stop')
  @RequiresScope('dead-letters:replay')
  async stop(
    @CurrentSession() session: ConsoleSession,
    @Param('id') id: string,
    @Query() given: unknown,
    @Res() response: Response,
  ): Promise<void> {
    if (!isId(id) || !(await this.runs.stop(scopeOf(session), id, new Date(this.clock.now())))) {
      throw new NotFoundException();
    }
    const query = givenUpQueryOf(given, scopeOf(session));
    response.redirect(303, withQuery(paths.replay(id), filterFields(query)));
  }

  /** The filter in its address limits it to these callbacks. */
  private async endpointOf({ serviceId }: ReplayRun, { filter }: GivenUpQuery): Promise<CallbackApi | null> {
    const { callbackApiId } = filter;
    return isId(serviceId) && isId(callbackApiId) ? this.callbackApis.find(serviceId, callbackApiId) : null;
  }
}
