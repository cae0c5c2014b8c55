import { Injectable } from '@nestjs/common';
import { CallbackTypeRegistry } from '../callback-types/callback-type-registry.js';
import { AddressRules } from '../security/address-rules.js';
import {
  CallbackApiRepository,
  type CallbackApi,
  type CallbackApiChange,
  type NewCallbackApi,
} from './callback-api.repository.js';
import { CallbackApiNotFoundError } from './callback-api-not-found.error.js';
import { InvalidCallbackApiError } from './invalid-callback-api.error.js';

/** Where services want their callbacks: the rules on top of the rows. */
@Injectable()
export class CallbackApisService {
  constructor(
    private readonly repository: CallbackApiRepository,
    private readonly types: CallbackTypeRegistry,
    private readonly addresses: AddressRules,
  ) {}

  list(serviceId: string): Promise<CallbackApi[]> {
    return this.repository.list(serviceId);
  }

  /** @throws CallbackApiNotFoundError */
  async get(serviceId: string, id: string): Promise<CallbackApi> {
    return found(await this.repository.find(serviceId, id), serviceId, id);
  }

  /** @throws InvalidCallbackApiError naming every bad field; CallbackApiExistsError */
  async create(api: NewCallbackApi): Promise<CallbackApi> {
    this.assertValid({ url: api.url, callbackType: api.callbackType });
    return this.repository.create(api);
  }

  /**
   * @param change `callbackType`, where given, is checked against the row, not changed.
   * @throws CallbackApiNotFoundError, InvalidCallbackApiError
   */
  async update(
    serviceId: string,
    id: string,
    { callbackType, ...change }: CallbackApiChange & { readonly callbackType?: string },
  ): Promise<CallbackApi> {
    const current = await this.get(serviceId, id);
    const mismatch =
      callbackType !== undefined && callbackType !== current.callbackType
        ? [
            `callback_type is ${current.callbackType} and cannot be changed to ${JSON.stringify(callbackType)}`,
          ]
        : [];
    this.assertValid({ url: change.url }, mismatch);
    return found(await this.repository.update(serviceId, id, change), serviceId, id);
  }

  /** @throws CallbackApiNotFoundError */
  async remove(serviceId: string, id: string): Promise<void> {
    if (!(await this.repository.remove(serviceId, id))) throw new CallbackApiNotFoundError(serviceId, id);
  }

  private assertValid(
    { url, callbackType }: { readonly url?: string; readonly callbackType?: string },
    alreadyFound: readonly string[] = [],
  ): void {
    const problems = [...alreadyFound];
    if (callbackType !== undefined && !this.types.has(callbackType)) {
      const known = this.types.types().join(', ');
      problems.push(`callback_type ${JSON.stringify(callbackType)} is not one of ${known}`);
    }
    if (url !== undefined) {
      const verdict = this.addresses.checkUrl(url);
      if (!verdict.ok) problems.push(`url ${verdict.message}`);
    }
    if (problems.length > 0) throw new InvalidCallbackApiError(problems);
  }
}

function found(api: CallbackApi | null, serviceId: string, id: string): CallbackApi {
  if (!api) throw new CallbackApiNotFoundError(serviceId, id);
  return api;
}
