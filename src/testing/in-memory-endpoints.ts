import { randomUUID } from 'node:crypto';
import { CallbackApiExistsError } from '../service-callbacks/endpoints/errors.js';
import type {
  CallbackApi,
  CallbackApiChange,
  CallbackApiRepository,
  EndpointWithSecrets,
  EndpointAddress,
  NewCallbackApi,
} from '../service-callbacks/endpoints/callback-api.repository.js';
import { generateSigningSecret } from '../service-callbacks/security/signing-secret.js';
import type { HeldClock } from './held-clock.js';

interface Endpoint {
  readonly api: CallbackApi;
  readonly bearerToken: string;
  readonly signingSecret: string;
  readonly previousSecret?: string;
}

/** Endpoints without a database. */
export class InMemoryEndpoints implements Pick<CallbackApiRepository, keyof CallbackApiRepository> {
  private readonly endpoints = new Map<string, Endpoint>();

  /** @param isOpen every service has an endpoint of every type, without a registration */
  constructor(
    private readonly clock: HeldClock,
    private readonly isOpen: boolean,
  ) {}

  async findAddresses(
    serviceIds: readonly string[],
    callbackType: string,
  ): Promise<Map<string, EndpointAddress>> {
    const addresses = serviceIds.flatMap((serviceId) => {
      const endpoint = this.endpointOf(serviceId, callbackType);
      return endpoint ? [[serviceId, { endpointId: endpoint.api.id, url: endpoint.api.url }] as const] : [];
    });
    return new Map(addresses);
  }

  async findWithSecrets(serviceId: string, callbackType: string): Promise<EndpointWithSecrets | null> {
    const endpoint = this.endpointOf(serviceId, callbackType);
    return endpoint ? this.withSecrets(endpoint) : null;
  }

  /** @returns undefined if it is deleted */
  withSecretsById(id: string): EndpointWithSecrets | undefined {
    const endpoint = this.endpoints.get(id);
    return endpoint && this.withSecrets(endpoint);
  }

  async list(serviceId: string): Promise<CallbackApi[]> {
    return [...this.endpoints.values()].map(({ api }) => api).filter((api) => api.serviceId === serviceId);
  }

  async find(serviceId: string, id: string): Promise<CallbackApi | null> {
    return this.get(serviceId, id)?.api ?? null;
  }

  async create(api: NewCallbackApi): Promise<CallbackApi> {
    const { serviceId, callbackType } = api;
    if (this.registered(serviceId, callbackType)) throw new CallbackApiExistsError(serviceId, callbackType);
    return this.add(api).api;
  }

  async update(
    serviceId: string,
    id: string,
    { url, bearerToken, updatedById }: CallbackApiChange,
  ): Promise<CallbackApi | null> {
    return this.change(serviceId, id, (endpoint) => ({
      ...endpoint,
      api: {
        ...endpoint.api,
        updatedById: updatedById ?? null,
        updatedAt: this.now(),
        ...(url !== undefined && { url }),
      },
      ...(bearerToken !== undefined && { bearerToken }),
    }));
  }

  async rotateSigningSecret(
    serviceId: string,
    id: string,
    { secret, previousUntil }: { readonly secret: string; readonly previousUntil: Date },
  ): Promise<CallbackApi | null> {
    return this.change(serviceId, id, (endpoint) => ({
      ...endpoint,
      api: { ...endpoint.api, previousSecretUntil: previousUntil, updatedAt: this.now() },
      signingSecret: secret,
      previousSecret: endpoint.signingSecret,
    }));
  }

  async remove(serviceId: string, id: string): Promise<boolean> {
    return this.get(serviceId, id) !== undefined && this.endpoints.delete(id);
  }

  private change(
    serviceId: string,
    id: string,
    change: (endpoint: Endpoint) => Endpoint,
  ): CallbackApi | null {
    const endpoint = this.get(serviceId, id);
    if (!endpoint) return null;
    const changed = change(endpoint);
    this.endpoints.set(id, changed);
    return changed.api;
  }

  private endpointOf(serviceId: string, callbackType: string): Endpoint | undefined {
    const endpoint = this.registered(serviceId, callbackType);
    if (endpoint || !this.isOpen) return endpoint;
    return this.add({
      serviceId,
      callbackType,
      url: `https://receiver.example.com/${callbackType}`,
      bearerToken: 'a-token-of-the-receiver',
      signingSecret: generateSigningSecret(),
      updatedById: serviceId,
    });
  }

  private add({ bearerToken, signingSecret, ...api }: NewCallbackApi): Endpoint {
    const endpoint: Endpoint = {
      api: {
        ...api,
        updatedById: api.updatedById ?? null,
        id: randomUUID(),
        previousSecretUntil: null,
        createdAt: this.now(),
        updatedAt: null,
        disabledAt: null,
        disabledReason: null,
      },
      bearerToken,
      signingSecret,
    };
    this.endpoints.set(endpoint.api.id, endpoint);
    return endpoint;
  }

  private withSecrets({ api, bearerToken, signingSecret, previousSecret }: Endpoint): EndpointWithSecrets {
    const isInOverlap = previousSecret !== undefined && Number(api.previousSecretUntil) > this.clock.now();
    return {
      callbackApiId: api.id,
      url: api.url,
      bearerToken,
      signingSecrets: isInOverlap ? [signingSecret, previousSecret] : [signingSecret],
      isDisabled: false,
    };
  }

  private registered(serviceId: string, callbackType: string): Endpoint | undefined {
    return [...this.endpoints.values()].find(
      ({ api }) => api.serviceId === serviceId && api.callbackType === callbackType,
    );
  }

  private get(serviceId: string, id: string): Endpoint | undefined {
    const endpoint = this.endpoints.get(id);
    return endpoint?.api.serviceId === serviceId ? endpoint : undefined;
  }

  private now(): Date {
    return new Date(this.clock.now());
  }
}
