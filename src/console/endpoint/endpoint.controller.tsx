import { Get, Inject, NotFoundException, Param, Post, Query, Res } from '@nestjs/common';
import type { Response } from 'express';
import { RequiresScope } from '../../http/access.decorators.js';
import { CallbackApisService } from '../../service-callbacks/endpoints/callback-apis.service.js';
import { Clock } from '../../service-callbacks/clock.js';
import {
  DeadLetterRepository,
  type DeadLetterFilter,
} from '../../service-callbacks/history/dead-letter.repository.js';
import { CallbackLogReader } from '../../service-callbacks/history/callback-log.reader.js';
import { encodeLogCursor } from '../../service-callbacks/history/list-cursor.js';
import { EndpointReader } from '../../service-callbacks/reporting/endpoint.reader.js';
import { DisablePolicy } from '../../service-callbacks/endpoint-health/disable-policy.js';
import { EndpointSwitch } from '../../service-callbacks/endpoint-health/endpoint-switch.js';
import { TestCallback, TooManyTestsError } from '../../service-callbacks/test-callback/test-callback.js';
import type { TestResult } from '../../service-callbacks/test-callback/test-result.js';
import type {
  DeliveryLogOptions,
  DeliveryOptions,
  EndpointHealthOptions,
} from '../../service-callbacks/service-callbacks.options.js';
import {
  DELIVERY_LOG_OPTIONS,
  DELIVERY_OPTIONS,
  ENDPOINT_HEALTH_OPTIONS,
} from '../../service-callbacks/tokens.js';
import { callbackQueryOf, NONE, PAGE, type RawQuery } from '../callbacks/callback-query.js';
import { sendPage } from '../page/send-page.js';
import { paths, withQuery } from '../paths.js';
import { can, CurrentForm, CurrentSession, type ConsoleSession } from '../session/console-session.js';
import type { Form } from '../session/form-body.js';
import { SessionPages } from '../session-pages.decorator.js';
import { MAX_COUNTED } from './endpoint-limits.js';
import { DONE, type Done } from './endpoint-notices.js';
import { EndpointPage, type EndpointView } from './endpoint-page.js';
import { findEndpoint } from './find-endpoint.js';
import { hasSaidYes, isAgreed, RotatePage } from './rotate-page.js';
import { DisablePage, EnableAndReplayPage } from './switch-pages.js';

interface EndpointPath {
  readonly service_id: string;
  readonly id: string;
}

/** One endpoint: its health, and the actions on it. */
@SessionPages('console/services/:service_id/endpoints/:id')
export class EndpointController {
  private readonly policy: DisablePolicy;

  constructor(
    private readonly callbackApis: CallbackApisService,
    private readonly reader: EndpointReader,
    private readonly log: CallbackLogReader,
    private readonly deadLetters: DeadLetterRepository,
    private readonly endpointSwitch: EndpointSwitch,
    private readonly testCallback: TestCallback,
    private readonly clock: Clock,
    @Inject(DELIVERY_LOG_OPTIONS) private readonly logOptions: DeliveryLogOptions,
    @Inject(DELIVERY_OPTIONS) private readonly delivery: Pick<DeliveryOptions, 'signingOverlapMs'>,
    @Inject(ENDPOINT_HEALTH_OPTIONS) { disableAfterMs }: EndpointHealthOptions,
  ) {
    this.policy = new DisablePolicy(disableAfterMs);
  }

  @Get()
  @RequiresScope('callbacks:read')
  async show(
    @CurrentSession() session: ConsoleSession,
    @Param() { service_id: serviceId, id }: EndpointPath,
    @Query() query: RawQuery,
    @Res() response: Response,
  ): Promise<void> {
    const done = DONE.find((each): each is Done => each === query['done']);
    await this.send(response, session, { serviceId, id }, query, { done });
  }

  @Post('test')
  @RequiresScope('callbacks:write')
  async test(
    @CurrentSession() session: ConsoleSession,
    @Param() { service_id: serviceId, id }: EndpointPath,
    @Res() response: Response,
  ): Promise<void> {
    await findEndpoint(this.callbackApis, serviceId, id);
    await this.send(response, session, { serviceId, id }, {}, { test: await this.tryOut(serviceId, id) });
  }

  /** Asks for confirmation; rotates once when `confirmed` is set. A reload of the page with the secret asks again. */
  @Post('rotate')
  @RequiresScope('callbacks:write')
  async rotate(
    @CurrentSession() session: ConsoleSession,
    @CurrentForm() form: Form,
    @Param() { service_id: serviceId, id }: EndpointPath,
    @Res() response: Response,
  ): Promise<void> {
    const api = await findEndpoint(this.callbackApis, serviceId, id);
    if (!isAgreed(form, api)) {
      const overlapMs = this.delivery.signingOverlapMs;
      const now = new Date(this.clock.now());
      const isAgain = hasSaidYes(form);
      sendPage(response, <RotatePage {...{ session, api, overlapMs, isAgain, now }} />);
      return;
    }
    const { signingSecret } = await this.callbackApis.rotateSigningSecret(serviceId, id);
    await this.send(response, session, { serviceId, id }, {}, { secret: signingSecret });
  }

  /** Asks for confirmation. */
  @Post('disable')
  @RequiresScope('callbacks:write')
  async disable(
    @CurrentSession() session: ConsoleSession,
    @CurrentForm() form: Form,
    @Param() { service_id: serviceId, id }: EndpointPath,
    @Res() response: Response,
  ): Promise<void> {
    const api = await findEndpoint(this.callbackApis, serviceId, id);
    if (!hasSaidYes(form)) {
      const callbacks = (await this.reader.read({ serviceId }, id))?.backlog ?? 0;
      sendPage(response, <DisablePage {...{ session, api, callbacks }} />);
      return;
    }
    await this.endpointSwitch.disable(serviceId, id, { tokenName: session.caller.name });
    back(response, serviceId, id, 'disabled');
  }

  /** Asks for confirmation before it replays. */
  @Post('enable')
  @RequiresScope('callbacks:write')
  async enable(
    @CurrentSession() session: ConsoleSession,
    @CurrentForm() form: Form,
    @Param() { service_id: serviceId, id }: EndpointPath,
    @Res() response: Response,
  ): Promise<void> {
    const api = await findEndpoint(this.callbackApis, serviceId, id);
    const replay = form.get('replay') === 'true' && can(session, 'dead-letters:replay');
    if (replay && !hasSaidYes(form)) {
      const callbacks = await this.countReplayable(serviceId, { callbackApiId: id, whileDisabled: true });
      sendPage(response, <EnableAndReplayPage {...{ session, api, callbacks }} />);
      return;
    }
    const { replayId } = await this.endpointSwitch.enable(serviceId, id, {
      replay,
      tokenName: session.caller.name,
    });
    if (replayId === undefined) back(response, serviceId, id, 'enabled');
    else {
      const given = { done: 'enabled', service: serviceId, endpoint: id };
      response.redirect(303, withQuery(paths.replay(replayId), given));
    }
  }

  private async send(
    response: Response,
    session: ConsoleSession,
    { serviceId, id }: { readonly serviceId: string; readonly id: string },
    query: RawQuery,
    outcome: Pick<EndpointView, 'done' | 'secret' | 'test'>,
  ): Promise<void> {
    const api = await findEndpoint(this.callbackApis, serviceId, id);
    const figures = await this.reader.read({ serviceId }, id);
    if (!figures) throw new NotFoundException();
    const now = new Date(this.clock.now());
    const { failingSince } = figures;
    const given = callbackQueryOf(query, { own: { serviceId }, now, failingSince });
    const filter = given.filter && { ...given.filter, callbackApiId: id };
    const { callbacks, next } = filter ? await this.log.list({ serviceId }, filter, given.after, PAGE) : NONE;
    const view: EndpointView = {
      session,
      api,
      figures,
      policy: this.policy,
      replayable: await this.countReplayable(serviceId, { callbackApiId: id }),
      kept:
        api.disabledAt === null
          ? 0
          : await this.countReplayable(serviceId, { callbackApiId: id, whileDisabled: true }),
      list: {
        action: paths.endpoint(serviceId, id),
        query: given,
        callbacks,
        next: next && encodeLogCursor(next),
        now,
        choices: null,
        isFailing: failingSince !== null,
        keep: this.logOptions.keep,
      },
      now,
      ...outcome,
    };
    sendPage(response, <EndpointPage {...view} />);
  }

  private countReplayable(serviceId: string, filter: DeadLetterFilter): Promise<number> {
    return this.deadLetters.countReplayable({ serviceId }, filter, MAX_COUNTED);
  }

  private async tryOut(serviceId: string, id: string): Promise<TestResult | 'too_many'> {
    try {
      return await this.testCallback.send(serviceId, id);
    } catch (error) {
      if (error instanceof TooManyTestsError) return 'too_many';
      throw error;
    }
  }
}

function back(response: Response, serviceId: string, id: string, done: Done): void {
  response.redirect(303, withQuery(paths.endpoint(serviceId, id), { done }));
}
