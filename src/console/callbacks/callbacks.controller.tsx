import { ConflictException, Get, Inject, NotFoundException, Param, Post, Query, Res } from '@nestjs/common';
import type { Response } from 'express';
import { RequiresScope } from '../../http/access.decorators.js';
import { CallbackTypeRegistry } from '../../service-callbacks/callback-types/callback-type-registry.js';
import { CallbackLogReader } from '../../service-callbacks/history/callback-log.reader.js';
import { encodeLogCursor } from '../../service-callbacks/history/list-cursor.js';
import { Replay } from '../../service-callbacks/replay/replay.js';
import { Clock } from '../../service-callbacks/clock.js';
import { CallbackApiRepository } from '../../service-callbacks/endpoints/callback-api.repository.js';
import { CallbackBodyReader } from '../../service-callbacks/reporting/callback-body.reader.js';
import { EndpointReader } from '../../service-callbacks/reporting/endpoint.reader.js';
import type { DeliveryLogOptions } from '../../service-callbacks/service-callbacks.options.js';
import { DELIVERY_LOG_OPTIONS } from '../../service-callbacks/tokens.js';
import { isId } from '../is-id.js';
import { sendPage } from '../page/send-page.js';
import { paths, withQuery } from '../paths.js';
import { can, CurrentSession, scopeOf, type ConsoleSession } from '../session/console-session.js';
import { SessionPages } from '../session-pages.decorator.js';
import { CALLBACK_ACTIONS, type CallbackAction } from './callback-actions.js';
import type { FilterChoices } from './callback-filter.js';
import type { CallbackListView } from './callback-list.js';
import { CallbackPage } from './callback-page.js';
import { callbackQueryOf, NONE, PAGE, type CallbackQuery, type RawQuery } from './callback-query.js';
import { CallbacksPage } from './callbacks-page.js';

@SessionPages('console')
@RequiresScope('callbacks:read')
export class CallbacksController {
  constructor(
    private readonly log: CallbackLogReader,
    private readonly bodies: CallbackBodyReader,
    private readonly endpoints: EndpointReader,
    private readonly callbackApis: CallbackApiRepository,
    private readonly replay: Replay,
    private readonly types: CallbackTypeRegistry,
    private readonly clock: Clock,
    @Inject(DELIVERY_LOG_OPTIONS) private readonly logOptions: DeliveryLogOptions,
  ) {}

  @Get('callbacks')
  async list(
    @CurrentSession() session: ConsoleSession,
    @Query() query: RawQuery,
    @Res() response: Response,
  ): Promise<void> {
    const own = scopeOf(session);
    const now = new Date(this.clock.now());
    const failingSince = await this.failingSince(session, query['endpoint']);
    const given = callbackQueryOf(query, { own, now, failingSince });
    const { callbacks, next } = given.filter
      ? await this.log.list(given.scope, given.filter, given.after, PAGE)
      : NONE;
    const list: CallbackListView = {
      action: paths.callbacks,
      query: given,
      callbacks,
      next: next && encodeLogCursor(next),
      now,
      choices: await this.choices(session, given),
      isFailing: failingSince !== null,
      keep: this.logOptions.keep,
    };
    const isPaused = query['refresh'] === 'off';
    sendPage(response, <CallbacksPage {...{ session, list, isPaused }} />);
  }

  @Get('services/:service_id/callbacks/:id')
  async show(
    @CurrentSession() session: ConsoleSession,
    @Param('service_id') serviceId: string,
    @Param('id') id: string,
    @Query() query: RawQuery,
    @Res() response: Response,
  ): Promise<void> {
    const callback = isId(id) ? await this.log.find({ serviceId }, id) : null;
    if (!callback) throw new NotFoundException();
    const { callbackApiId } = callback;
    const maySeePersonal = mayRedirect(session);
    const showsPersonal = maySeePersonal && query['personal'] === 'shown';
    const view = {
      session,
      serviceId,
      callback,
      api: isId(callbackApiId) ? await this.callbackApis.find(serviceId, callbackApiId) : null,
      body: await this.bodies.read(serviceId, callback, showsPersonal),
      maySeePersonal,
      showsPersonal,
      now: new Date(this.clock.now()),
      done: CALLBACK_ACTIONS.find((each) => each === query['done']),
    };
    sendPage(response, <CallbackPage {...view} />);
  }

  @Post('services/:service_id/callbacks/:id/replay')
  @RequiresScope('dead-letters:replay')
  async replayOne(
    @Param('service_id') serviceId: string,
    @Param('id') id: string,
    @Res() response: Response,
  ): Promise<void> {
    const result = isId(id) ? await this.replay.finished(serviceId, id) : null;
    if (!result) throw new NotFoundException();
    if (result.kind === 'refused') throw new ConflictException(`It cannot be replayed: ${result.why}.`);
    back(response, serviceId, id, 'replayed');
  }

  @Post('services/:service_id/callbacks/:id/retry')
  @RequiresScope('dead-letters:replay')
  async retry(
    @Param('service_id') serviceId: string,
    @Param('id') id: string,
    @Res() response: Response,
  ): Promise<void> {
    const callback = isId(id) ? await this.log.find({ serviceId }, id) : null;
    if (!callback) throw new NotFoundException();
    await this.replay.retryNow(serviceId, id);
    back(response, serviceId, id, 'retried');
  }

  /** The beginning of the failure of a filter's endpoint. */
  private async failingSince(session: ConsoleSession, endpointId: unknown): Promise<Date | null> {
    if (typeof endpointId !== 'string' || !isId(endpointId)) return null;
    return this.endpoints.failingSince(scopeOf(session), endpointId);
  }

  private async choices(session: ConsoleSession, { scope }: CallbackQuery): Promise<FilterChoices> {
    return {
      service: session.caller.serviceId === undefined ? 'any' : undefined,
      endpoints: scope === 'all' ? undefined : await this.callbackApis.list(scope.serviceId),
      types: this.types.types(),
    };
  }
}

/**
 * Whether the session may see the personal fields of a body: a token that can change the endpoint's URL and replay the
 * callback could send it to any server anyway.
 */
function mayRedirect(session: ConsoleSession): boolean {
  return can(session, 'callbacks:write') && can(session, 'dead-letters:replay');
}

function back(response: Response, serviceId: string, id: string, done: CallbackAction): void {
  response.redirect(303, withQuery(paths.callback(serviceId, id), { done }));
}
