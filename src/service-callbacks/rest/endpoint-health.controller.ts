import * as schemas from './endpoint-health.schemas.js';
import {
  Controller,
  ForbiddenException,
  Get,
  HttpException,
  HttpStatus,
  NotFoundException,
  Post,
  Res,
  UseFilters,
} from '@nestjs/common';
import { CallerHas, CallerName, RequiresScope } from '../../http/access.decorators.js';
import { HttpErrorFilter } from '../../http/http-error.filter.js';
import { serviceIdParam } from '../../http/ids.js';
import { Operation, OperationsOf } from '../../http/operation.decorator.js';
import { dataOf } from '../../http/response-body.js';
import { ValidBody, ValidParam } from '../../http/valid-input.js';
import { CallbackApiNotFoundError } from '../endpoints/errors.js';
import { callbackApiId } from './callback-apis.schemas.js';
import type { DisableBody, EnableBody } from './endpoint-health.schemas.js';
import { EndpointHealth } from '../endpoint-health/endpoint-health.js';
import { EndpointSwitch } from '../endpoint-health/endpoint-switch.js';
import { enabledView, healthView, stateView, testView } from './endpoint-health.views.js';
import { TestCallback, TooManyTestsError } from '../test-callback/test-callback.js';

const NOT_FOUND = 'The service has no such callback API';

/** Health of an endpoint, its switch, and test callbacks. */
@Controller('service/:service_id/callback-api/:id')
@UseFilters(HttpErrorFilter)
@OperationsOf('Callback APIs')
export class EndpointHealthController {
  constructor(
    private readonly health: EndpointHealth,
    private readonly endpoints: EndpointSwitch,
    private readonly tests: TestCallback,
  ) {}

  @Get('health')
  @RequiresScope('callbacks:read')
  @Operation({
    summary: 'Read how an endpoint is',
    description:
      'Since when it fails and with what, outcomes by the hour, its circuit, whether it is disabled or will be.',
    status: 200,
    response: dataOf(schemas.endpointHealthView),
    errors: { 404: NOT_FOUND },
  })
  async get(
    @ValidParam('service_id', serviceIdParam) serviceId: string,
    @ValidParam('id', callbackApiId) id: string,
  ) {
    return { data: healthView(await this.health.read(serviceId, id).catch(throwHttp)) };
  }

  @Post('disable')
  @RequiresScope('callbacks:write')
  @Operation({
    summary: 'Disable a callback API',
    description: 'Its callbacks are kept as dead letters with the reason `disabled`.',
    status: 200,
    response: dataOf(schemas.endpointStateView),
    errors: { 404: NOT_FOUND },
  })
  async disable(
    @ValidParam('service_id', serviceIdParam) serviceId: string,
    @ValidParam('id', callbackApiId) id: string,
    @ValidBody(schemas.disableBody) body: DisableBody,
    @CallerName() tokenName: string | undefined,
  ) {
    const by = body?.updated_by_id;
    const api = await this.endpoints.disable(serviceId, id, { by, tokenName }).catch(throwHttp);
    return { data: stateView(api) };
  }

  @Post('enable')
  @RequiresScope('callbacks:write')
  @Operation({
    summary: 'Enable a callback API',
    description:
      'Lifts a hold as well. Says how many callbacks were kept. `"replay": true` replays them at a bounded rate ' +
      '(`CALLBACK_REPLAY_RATE`), and needs the scope dead-letters:replay as well.',
    status: 200,
    response: dataOf(schemas.enabledView),
    errors: { 404: NOT_FOUND },
  })
  async enable(
    @ValidParam('service_id', serviceIdParam) serviceId: string,
    @ValidParam('id', callbackApiId) id: string,
    @ValidBody(schemas.enableBody) body: EnableBody,
    @CallerHas('dead-letters:replay') mayReplay: boolean,
    @CallerName() tokenName: string | undefined,
  ) {
    if (body?.replay === true && !mayReplay) {
      throw new ForbiddenException('The token lacks dead-letters:replay, which "replay": true needs');
    }
    const options = { by: body?.updated_by_id, tokenName, replay: body?.replay };
    return { data: enabledView(await this.endpoints.enable(serviceId, id, options).catch(throwHttp)) };
  }

  @Post('test')
  @RequiresScope('callbacks:write')
  @Operation({
    summary: 'Send a test callback',
    description:
      'Sends one callback that is marked as a test now, and responds with what the endpoint did: its status, its ' +
      'certificate, and in words what to do. At most 10 a minute.',
    status: 200,
    response: dataOf(schemas.testResultView),
    errors: { 404: NOT_FOUND, 429: 'Too many tests of this callback API in a minute' },
  })
  async test(
    @ValidParam('service_id', serviceIdParam) serviceId: string,
    @ValidParam('id', callbackApiId) id: string,
    @Res({ passthrough: true }) response: { header(name: string, value: string): unknown },
  ) {
    try {
      return { data: testView(await this.tests.send(serviceId, id)) };
    } catch (error) {
      if (error instanceof TooManyTestsError) response.header('retry-after', String(error.retryAfterSeconds));
      return throwHttp(error);
    }
  }
}

function throwHttp(error: unknown): never {
  if (error instanceof CallbackApiNotFoundError) throw new NotFoundException(error.message);
  if (error instanceof TooManyTestsError)
    throw new HttpException(error.message, HttpStatus.TOO_MANY_REQUESTS);
  throw error;
}
