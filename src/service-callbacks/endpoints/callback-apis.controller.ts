import {
  BadRequestException,
  ConflictException,
  Controller,
  Delete,
  Get,
  HttpCode,
  NotFoundException,
  Post,
  UseFilters,
} from '@nestjs/common';
import { HttpErrorFilter } from '../../http/http-error.filter.js';
import { serviceIdParam, uuidParam } from '../../http/ids.js';
import { RequiresScope } from '../../http/requires-scope.decorator.js';
import { BodyToCheck, ValidParam, type CheckedBody } from '../../http/valid-input.js';
import type { CallbackApi } from './callback-api.repository.js';
import { CallbackApiExistsError } from './callback-api-exists.error.js';
import { CallbackApiNotFoundError } from './callback-api-not-found.error.js';
import { CallbackApisService, type WithSigningSecret } from './callback-apis.service.js';
import {
  createCallbackApiBody,
  updateCallbackApiBody,
  type CreateCallbackApiBody,
  type UpdateCallbackApiBody,
} from './callback-apis.schemas.js';
import { InvalidCallbackApiError } from './invalid-callback-api.error.js';

/** The management API of GOV.UK Notify's service callbacks. */
@Controller('service/:service_id/callback-api')
@UseFilters(HttpErrorFilter)
export class CallbackApisController {
  constructor(private readonly callbackApis: CallbackApisService) {}

  @Post()
  @RequiresScope('callbacks:write')
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
  async list(@ValidParam('service_id', serviceIdParam) serviceId: string) {
    return { data: (await this.callbackApis.list(serviceId)).map(view) };
  }

  @Get(':id')
  @RequiresScope('callbacks:read')
  async get(
    @ValidParam('service_id', serviceIdParam) serviceId: string,
    @ValidParam('id', uuidParam) id: string,
  ) {
    return asHttp(this.callbackApis.get(serviceId, id));
  }

  @Post(':id')
  @RequiresScope('callbacks:write')
  @HttpCode(200)
  async update(
    @ValidParam('service_id', serviceIdParam) serviceId: string,
    @ValidParam('id', uuidParam) id: string,
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

  /** Signs with the new secret and, for `CALLBACK_SIGNING_OVERLAP_MS`, with the one before as well. */
  @Post(':id/signing-secret/rotate')
  @RequiresScope('callbacks:write')
  @HttpCode(200)
  async rotateSigningSecret(
    @ValidParam('service_id', serviceIdParam) serviceId: string,
    @ValidParam('id', uuidParam) id: string,
  ) {
    return asHttpWithSecret(this.callbackApis.rotateSigningSecret(serviceId, id));
  }

  @Delete(':id')
  @RequiresScope('callbacks:write')
  @HttpCode(204)
  async remove(
    @ValidParam('service_id', serviceIdParam) serviceId: string,
    @ValidParam('id', uuidParam) id: string,
  ): Promise<void> {
    await this.callbackApis.remove(serviceId, id).catch(throwHttp);
  }

  /** Refuses a body for all that is wrong with it at once: its shape, its type, where its URL leads. */
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

/** The only two answers that have the secret in them. */
async function asHttpWithSecret(result: Promise<WithSigningSecret>) {
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

function view(api: CallbackApi) {
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
