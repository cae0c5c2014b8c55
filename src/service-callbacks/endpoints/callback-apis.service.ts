import { Inject, Injectable } from '@nestjs/common';
import { CallbackTypeRegistry } from '../callback-types/callback-type-registry.js';
import { Clock } from '../clock.js';
import { EndpointStateRepository } from './endpoint-state.repository.js';
import { AddressRules } from '../addresses/address-rules.js';
import { generateSigningSecret } from '../security/signing-secret.js';
import type { DeliveryOptions } from '../service-callbacks.options.js';
import { Holds } from '../holds/holds.js';
import { WaitingCallbacks } from '../recorder/waiting-callbacks.js';
import { DELIVERY_OPTIONS } from '../tokens.js';
import {
  CallbackApiRepository,
  type CallbackApi,
  type CallbackApiChange,
  type NewCallbackApi,
} from './callback-api.repository.js';
import { CallbackApiNotFoundError, InvalidCallbackApiError } from './errors.js';

/** A new endpoint with its secret, which is shown only once. */
export type WithSigningSecret = CallbackApi & { readonly signingSecret: string };

/** Manages endpoints: the rules in front of the rows. */
@Injectable()
export class CallbackApisService {
  constructor(
    private readonly repository: CallbackApiRepository,
    private readonly types: CallbackTypeRegistry,
    private readonly addresses: AddressRules,
    private readonly clock: Clock,
    private readonly endpoints: EndpointStateRepository,
    private readonly waiting: WaitingCallbacks,
    private readonly holds: Holds,
    @Inject(DELIVERY_OPTIONS) private readonly options: Pick<DeliveryOptions, 'signingOverlapMs'>,
  ) {}

  list(serviceId: string): Promise<CallbackApi[]> {
    return this.repository.list(serviceId);
  }

  /** @throws CallbackApiNotFoundError */
  async get(serviceId: string, id: string): Promise<CallbackApi> {
    return found(await this.repository.find(serviceId, id), serviceId, id);
  }

  /**
   * @returns the endpoint with its signing secret, which is never shown again
   * @throws InvalidCallbackApiError naming every bad field; CallbackApiExistsError
   */
  async create(api: Omit<NewCallbackApi, 'signingSecret'>): Promise<WithSigningSecret> {
    assertNone(this.problemsOf({ url: api.url, callback_type: api.callbackType }));
    const signingSecret = generateSigningSecret();
    return { ...(await this.repository.create({ ...api, signingSecret })), signingSecret };
  }

  /**
   * Makes a new signing secret. Requests are also signed with the previous one until `previousSecretUntil`. During an
   * earlier rotation, the older secret is dropped.
   * @throws CallbackApiNotFoundError
   */
  async rotateSigningSecret(serviceId: string, id: string): Promise<WithSigningSecret> {
    const secret = generateSigningSecret();
    const previousUntil = new Date(this.clock.now() + this.options.signingOverlapMs);
    const api = await this.repository.rotateSigningSecret(serviceId, id, { secret, previousUntil });
    return { ...found(api, serviceId, id), signingSecret: secret };
  }

  /**
   * @param change if it has `callbackType`, that is compared with the row and never changed
   * @throws CallbackApiNotFoundError, InvalidCallbackApiError
   */
  async update(
    serviceId: string,
    id: string,
    { callbackType, ...change }: CallbackApiChange & { readonly callbackType?: string },
  ): Promise<CallbackApi> {
    const current = await this.get(serviceId, id);
    assertNone(this.problemsOf({ url: change.url, callback_type: callbackType }, current));
    const updated = found(await this.repository.update(serviceId, id, change), serviceId, id);
    // The failures of the old URL do not count for the new one.
    if (updated.url !== current.url) await this.endpoints.forgetFailures(id);
    if (updated.url !== current.url || change.bearerToken !== undefined)
      await this.holds.lift({ endpointId: id, ...updated }, 'changed');
    return updated;
  }

  /** @throws CallbackApiNotFoundError */
  async remove(serviceId: string, id: string): Promise<void> {
    if (!(await this.repository.remove(serviceId, id))) throw new CallbackApiNotFoundError(serviceId, id);
    await this.waiting.giveUp(id, 'cancelled');
  }

  /**
   * What is wrong with these fields beside their shape, one message each. Fields that are not text are skipped.
   * @param current the endpoint that they change; undefined: a new one
   */
  problemsOf(
    { url, callback_type: callbackType }: { readonly url?: unknown; readonly callback_type?: unknown },
    current?: CallbackApi,
  ): readonly string[] {
    const problems: string[] = [];
    if (typeof callbackType === 'string') problems.push(...this.problemsOfType(callbackType, current));
    const check = typeof url === 'string' ? this.addresses.checkUrl(url) : undefined;
    if (check?.ok === false) problems.push(`url ${check.message}`);
    return problems;
  }

  private problemsOfType(callbackType: string, current?: CallbackApi): readonly string[] {
    const quoted = JSON.stringify(callbackType);
    if (current !== undefined) {
      if (callbackType === current.callbackType) return [];
      return [`callback_type is ${current.callbackType} and cannot be changed to ${quoted}`];
    }
    if (this.types.has(callbackType)) return [];
    return [`callback_type ${quoted} is not one of ${this.types.types().join(', ')}`];
  }
}

function assertNone(problems: readonly string[]): void {
  if (problems.length > 0) throw new InvalidCallbackApiError(problems);
}

function found(api: CallbackApi | null, serviceId: string, id: string): CallbackApi {
  if (!api) throw new CallbackApiNotFoundError(serviceId, id);
  return api;
}
