import { HttpService } from '@nestjs/axios';
import axios from 'axios';
import type { Provider } from '@nestjs/common';
import { AddressRules } from '../../security/address-rules.js';
import {
  SERVICE_CALLBACKS_OPTIONS,
  type DeliveryOptions,
  type ServiceCallbacksOptions,
} from '../../service-callbacks.options.js';
import { DELIVERY_OPTIONS } from '../../tokens.js';
import { CALLBACK_CLIENT_OPTIONS, CallbackClient, type CallbackClientOptions } from '../callback-client.js';
import { CALLBACK_TRANSPORT, type CallbackTransport } from './callback-transport.js';
import { HttpServiceTransport } from './http-service-transport.js';
import { parseProxyUrl } from './proxy.js';
import { UndiciTransport } from './undici-transport.js';

/** The `HttpService` every callback goes through: a host may add axios interceptors to its `axiosRef`. */
export const CALLBACK_HTTP_SERVICE = Symbol('CALLBACK_HTTP_SERVICE');

export const transportProviders: Provider[] = [
  {
    provide: UndiciTransport,
    inject: [AddressRules, DELIVERY_OPTIONS, SERVICE_CALLBACKS_OPTIONS],
    useFactory: (
      rules: AddressRules,
      { timeoutMs }: DeliveryOptions,
      { egress: { extraCa, proxyUrl } = {} }: ServiceCallbacksOptions,
    ) =>
      new UndiciTransport({
        rules,
        connectTimeoutMs: timeoutMs,
        ...(extraCa !== undefined && { extraCa }),
        ...(proxyUrl !== undefined && { proxy: parseProxyUrl(proxyUrl) }),
      }),
  },
  // An instance of the module's own: the host's HttpService and its interceptors are the host's.
  { provide: CALLBACK_HTTP_SERVICE, useFactory: ownHttpService },
  {
    provide: CALLBACK_TRANSPORT,
    inject: [DELIVERY_OPTIONS, CALLBACK_HTTP_SERVICE, UndiciTransport],
    useFactory: (
      { transport }: DeliveryOptions,
      http: HttpService,
      wire: UndiciTransport,
    ): CallbackTransport => (transport === 'undici' ? wire : new HttpServiceTransport(http, wire)),
  },
  {
    provide: CALLBACK_CLIENT_OPTIONS,
    inject: [DELIVERY_OPTIONS],
    useFactory: ({ timeoutMs }: DeliveryOptions): CallbackClientOptions => ({ timeoutMs }),
  },
  CallbackClient,
];

/** `axios.create()` copies `axios.defaults`, in which a host may keep headers, with secrets, for calls of its own. */
function ownHttpService(): HttpService {
  const instance = axios.create();
  Object.assign(instance.defaults, { headers: {} });
  return new HttpService(instance);
}
