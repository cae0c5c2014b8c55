import {
  BadRequestException,
  ConflictException,
  Controller,
  Delete,
  Get,
  NotFoundException,
  Post,
  UseFilters,
} from '@nestjs/common';
import { HttpErrorFilter } from '../../http/http-error.filter.js';
import { serviceIdParam } from '../../http/ids.js';
import { Operation, OperationsOf } from '../../http/operation.decorator.js';
import { RequiresScope } from '../../http/access.decorators.js';
import { dataOf } from '../../http/response-body.js';
import { BodyToCheck, ValidParam, type CheckedBody } from '../../http/valid-input.js';
import { z } from 'zod';
import type { CallbackApi } from '../endpoints/callback-api.repository.js';
import {
  CallbackApiExistsError,
  CallbackApiNotFoundError,
  InvalidCallbackApiError,
} from '../endpoints/errors.js';
import { CallbackApisService, type WithSigningSecret } from '../endpoints/callback-apis.service.js';
import {
  callbackApiId,
  callbackApiView,
  callbackApiWithSecretView,
  createCallbackApiBody,
  updateCallbackApiBody,
  type CreateCallbackApiBody,
  type UpdateCallbackApiBody,
} from './callback-apis.schemas.js';

const NOT_FOUND = 'The service has no such callback API';

/** The management API of GOV.UK Notify's service callbacks. */
@Controller('service/:service_id/callback-api')
@UseFilters(HttpErrorFilter)
@OperationsOf('Callback APIs')
export class CallbackApisController {
  constructor(private readonly callbackApis: CallbackApisService) {}

  @Post()
  @RequiresScope('callbacks:write')
  @Operation({
    summary: 'Register a callback API',
    description: 'From now on the service gets callbacks of this type at this URL.',
    status: 201,
    response: dataOf(callbackApiWithSecretView),
    errors: { 409: 'The service has a callback API of this type' },
  })
  async create(
    @ValidParam('service_id', serviceIdParam) serviceId: string,
    @BodyToCheck(createCallbackApiBody) checked: CheckedBody<CreateCallbackApiBody>,
  ) {
    const body = this.accepted(checked);
    return asHttpWithSecret(
      this.callbackApis.create({
        serviceId,
        callbackType: body.callback_type,
        url: body.url,
        bearerToken: body.bearer_token,
        updatedById: body.updated_by_id,
      }),
    );
  }

  @Get()
  @RequiresScope('callbacks:read')
  @Operation({
    summary: 'List the callback APIs of a service',
    status: 200,
    response: dataOf(z.array(callbackApiView)),
  })
  async list(@ValidParam('service_id', serviceIdParam) serviceId: string) {
    return { data: (await this.callbackApis.list(serviceId)).map(view) };
  }

  @Get(':id')
  @RequiresScope('callbacks:read')
  @Operation({
    summary: 'Read a callback API',
    status: 200,
    response: dataOf(callbackApiView),
    errors: { 404: NOT_FOUND },
  })
  async get(
    @ValidParam('service_id', serviceIdParam) serviceId: string,
    @ValidParam('id', callbackApiId) id: string,
  ) {
    return asHttp(this.callbackApis.get(serviceId, id));
  }

  @Post(':id')
  @RequiresScope('callbacks:write')
  @Operation({
    summary: 'Change the URL or the bearer token',
    description:
      'What has not been sent yet goes to the new URL, with the new token. The type cannot be changed.',
    status: 200,
    response: dataOf(callbackApiView),
    errors: { 404: NOT_FOUND },
  })
  async update(
    @ValidParam('service_id', serviceIdParam) serviceId: string,
    @ValidParam('id', callbackApiId) id: string,
    @BodyToCheck(updateCallbackApiBody) checked: CheckedBody<UpdateCallbackApiBody>,
  ) {
    const current = await this.callbackApis.get(serviceId, id).catch(throwHttp);
    const body = this.accepted(checked, current);
    return asHttp(
      this.callbackApis.update(serviceId, id, {
        updatedById: body.updated_by_id,
        url: body.url,
        bearerToken: body.bearer_token,
        callbackType: body.callback_type,
      }),
    );
  }

  @Post(':id/signing-secret/rotate')
  @RequiresScope('callbacks:write')
  @Operation({
    summary: 'Make a new signing secret',
    description:
      'Requests are signed with the new secret and, for `CALLBACK_SIGNING_OVERLAP_MS`, with the previous one as well.',
    status: 200,
    response: dataOf(callbackApiWithSecretView),
    errors: { 404: NOT_FOUND },
  })
  async rotateSigningSecret(
    @ValidParam('service_id', serviceIdParam) serviceId: string,
    @ValidParam('id', callbackApiId) id: string,
  ) {
    return asHttpWithSecret(this.callbackApis.rotateSigningSecret(serviceId, id));
  }

  @Delete(':id')
  @RequiresScope('callbacks:write')
  @Operation({
    summary: 'Delete a callback API',
    description: 'Callbacks that wait for it are given up as `cancelled`, and kept.',
    status: 204,
    errors: { 404: NOT_FOUND },
  })
  async remove(
    @ValidParam('service_id', serviceIdParam) serviceId: string,
    @ValidParam('id', callbackApiId) id: string,
  ): Promise<void> {
    await this.callbackApis.remove(serviceId, id).catch(throwHttp);
  }

  /** Rejects a body with everything that is wrong with it: its shape, its type, and where its URL leads. */
  private accepted<T>({ input, value, problems }: CheckedBody<T>, current?: CallbackApi): T {
    const fields = typeof input === 'object' && input !== null ? input : {};
    const all = [...problems, ...this.callbackApis.problemsOf(fields, current)];
    if (value === undefined || all.length > 0) throw new BadRequestException(all);
    return value;
  }
}

async function asHttp(result: Promise<CallbackApi>) {
  return { data: view(await result.catch(throwHttp)) };
}

/** Only these two responses contain the secret. */
async function asHttpWithSecret(
  result: Promise<WithSigningSecret>,
): Promise<{ data: z.infer<typeof callbackApiWithSecretView> }> {
  const api = await result.catch(throwHttp);
  return {
    data: {
      ...view(api),
      signing_secret: api.signingSecret,
      previous_signing_secret_until: api.previousSecretUntil?.toISOString() ?? null,
    },
  };
}

function throwHttp(error: unknown): never {
  if (error instanceof CallbackApiNotFoundError) throw new NotFoundException(error.message);
  if (error instanceof CallbackApiExistsError) throw new ConflictException(error.message);
  if (error instanceof InvalidCallbackApiError) throw new BadRequestException(error.problems);
  throw error;
}

function view(api: CallbackApi): z.infer<typeof callbackApiView> {
  return {
    id: api.id,
    service_id: api.serviceId,
    callback_type: api.callbackType,
    url: api.url,
    updated_by_id: api.updatedById,
    created_at: api.createdAt.toISOString(),
    updated_at: api.updatedAt?.toISOString() ?? null,
  };
}
