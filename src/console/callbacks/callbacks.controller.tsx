import { Get, Inject, NotFoundException, Param, Query, Res } from '@nestjs/common';
import type { Response } from 'express';
import { RequiresScope } from '../../http/requires-scope.decorator.js';
import { CallbackApiRepository } from '../../service-callbacks/endpoints/callback-api.repository.js';
import { Clock } from '../../service-callbacks/clock.js';
import { DeadLetterRepository } from '../../service-callbacks/callbacks/dead-letter.repository.js';
import { CallbackLogReader } from '../../service-callbacks/callbacks/callback-log.reader.js';
import { encodeLogCursor } from '../../service-callbacks/callbacks/log-cursor.js';
import { isId } from '../is-id.js';
import { sendPage } from '../page/send-page.js';
import { paths } from '../paths.js';
import { CurrentSession, scopeOf, type ConsoleSession } from '../session/console-session.js';
import { SessionPages } from '../session-pages.decorator.js';
import { CallbackPage } from './callback-page.js';
import type { DeliveryLogOptions } from '../../service-callbacks/service-callbacks.options.js';
import { DELIVERY_LOG_OPTIONS } from '../../service-callbacks/tokens.js';
import { callbackQueryOf, NONE, PAGE, text, type RawQuery } from './callback-query.js';
import { CallbacksPage } from './callbacks-page.js';

@SessionPages('console')
@RequiresScope('callbacks:read')
export class CallbacksController {
  constructor(
    private readonly log: CallbackLogReader,
    private readonly deadLetters: DeadLetterRepository,
    private readonly callbackApis: CallbackApiRepository,
    private readonly clock: Clock,
    @Inject(DELIVERY_LOG_OPTIONS) private readonly logOptions: DeliveryLogOptions,
  ) {}

  @Get('callbacks')
  async list(
    @CurrentSession() session: ConsoleSession,
    @Query() query: RawQuery,
    @Res() response: Response,
  ): Promise<void> {
    const wanted = text.parse(query['id']) || undefined;
    const found = wanted === undefined ? undefined : await this.serviceOf(session, wanted);
    if (wanted !== undefined && found !== undefined) {
      response.redirect(303, paths.callback(found, wanted));
      return;
    }
    const asked = callbackQueryOf(query);
    const { callbacks, next } = asked.filter
      ? await this.log.list(scopeOf(session), asked.filter, asked.after, PAGE)
      : NONE;
    const list = {
      action: paths.callbacks,
      query: asked,
      callbacks,
      next: next && encodeLogCursor(next),
      now: new Date(this.clock.now()),
      showsService: session.caller.serviceId === undefined,
      keep: this.logOptions.keep,
    };
    sendPage(response, <CallbacksPage session={session} list={list} missing={wanted} />);
  }

  @Get('services/:service_id/callbacks/:id')
  async show(
    @CurrentSession() session: ConsoleSession,
    @Param('service_id') serviceId: string,
    @Param('id') id: string,
    @Query('done') done: string | undefined,
    @Res() response: Response,
  ): Promise<void> {
    if (!isId(id)) throw new NotFoundException();
    const letter = await this.deadLetters.find(serviceId, id);
    const callback = await this.log.find({ serviceId }, id);
    if (!callback) throw new NotFoundException();
    const { callbackApiId } = callback;
    const api =
      isId(serviceId) && isId(callbackApiId) ? await this.callbackApis.find(serviceId, callbackApiId) : null;
    const now = new Date(this.clock.now());
    sendPage(
      response,
      <CallbackPage
        {...{ session, serviceId, callback, api, letter, now }}
        isReplayed={done === 'replayed' && letter === null}
      />,
    );
  }

  /** Whose it is, where the session may see it. */
  private async serviceOf(session: ConsoleSession, id: string): Promise<string | undefined> {
    if (!isId(id)) return undefined;
    return (await this.log.find(scopeOf(session), id))?.serviceId ?? undefined;
  }
}
