import {
  Controller,
  ForbiddenException,
  Get,
  HttpCode,
  HttpException,
  HttpStatus,
  NotFoundException,
  Post,
  Res,
  SetMetadata,
  UseFilters,
} from '@nestjs/common';
import type { Response } from 'express';
import { CallerHas } from '../../http/caller-has.decorator.js';
import { CallerName } from '../../http/caller-name.decorator.js';
import { HttpErrorFilter } from '../../http/http-error.filter.js';
import { serviceIdParam, uuidParam } from '../../http/ids.js';
import { RequiresScope } from '../../http/requires-scope.decorator.js';
import { ValidBody, ValidParam } from '../../http/valid-input.js';
import { CallbackApiNotFoundError } from '../endpoints/callback-api-not-found.error.js';
import { disableBody, enableBody, type DisableBody, type EnableBody } from './endpoint-health.schemas.js';
import { EndpointHealth } from './endpoint-health.js';
import { EndpointSwitch } from './endpoint-switch.js';
import { enabledView, healthView, stateView, testView } from './endpoint-health.views.js';
import { TestCallback } from './test-callback.js';
import { TooManyTestsError } from './too-many-tests.error.js';

/** What `@ApiOperation()` sets; named here so that a host of the REST API needs no Swagger. */
const OPENAPI_OPERATION = 'swagger/apiOperation';

/** How an endpoint is, whether it is on, and a try. */
@Controller('service/:service_id/callback-api/:id')
@UseFilters(HttpErrorFilter)
export class EndpointHealthController {
  constructor(
    private readonly health: EndpointHealth,
    private readonly endpoints: EndpointSwitch,
    private readonly tests: TestCallback,
  ) {}

  @Get('health')
  @RequiresScope('callbacks:read')
  async get(
    @ValidParam('service_id', serviceIdParam) serviceId: string,
    @ValidParam('id', uuidParam) id: string,
  ) {
    return { data: healthView(await this.health.read(serviceId, id).catch(throwHttp)) };
  }

  /** Callbacks are kept as dead letters with the reason `disabled` until it is enabled. */
  @Post('disable')
  @RequiresScope('callbacks:write')
  @HttpCode(200)
  async disable(
    @ValidParam('service_id', serviceIdParam) serviceId: string,
    @ValidParam('id', uuidParam) id: string,
    @ValidBody(disableBody) body: DisableBody,
    @CallerName() tokenName: string | undefined,
  ) {
    const by = body?.updated_by_id;
    const api = await this.endpoints.disable(serviceId, id, { by, tokenName }).catch(throwHttp);
    return { data: stateView(api) };
  }

  /**
   * Says how many callbacks were kept meanwhile; with `{"replay": true}` they are sent, at a bounded rate, by whoever
   * may replay.
   */
  @Post('enable')
  @RequiresScope('callbacks:write')
  @SetMetadata(OPENAPI_OPERATION, {
    description: 'Needs the scope callbacks:write, and with `"replay": true` dead-letters:replay as well.',
  })
  @HttpCode(200)
  async enable(
    @ValidParam('service_id', serviceIdParam) serviceId: string,
    @ValidParam('id', uuidParam) id: string,
    @ValidBody(enableBody) body: EnableBody,
    @CallerHas('dead-letters:replay') mayReplay: boolean,
    @CallerName() tokenName: string | undefined,
  ) {
    if (body?.replay === true && !mayReplay) {
      throw new ForbiddenException('The token lacks dead-letters:replay, which "replay": true needs');
    }
    const options = { by: body?.updated_by_id, tokenName, replay: body?.replay };
    return { data: enabledView(await this.endpoints.enable(serviceId, id, options).catch(throwHttp)) };
  }

  /** Sends one marked test callback now. What the endpoint did is the answer, whatever it was. */
  @Post('test')
  @RequiresScope('callbacks:write')
  @HttpCode(200)
  async test(
    @ValidParam('service_id', serviceIdParam) serviceId: string,
    @ValidParam('id', uuidParam) id: string,
    @Res({ passthrough: true }) response: Response,
  ) {
    try {
      return { data: testView(await this.tests.send(serviceId, id)) };
    } catch (error) {
      if (error instanceof TooManyTestsError) response.setHeader('retry-after', error.retryAfterSeconds);
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
