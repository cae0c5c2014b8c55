import { HttpService } from '@nestjs/axios';
import axios from 'axios';
import type { Provider } from '@nestjs/common';
import { AddressRules } from '../../security/address-rules.js';
import type { DeliveryOptions } from '../../service-callbacks.options.js';
import { DELIVERY_OPTIONS } from '../../tokens.js';
import { CALLBACK_CLIENT_OPTIONS, CallbackClient, type CallbackClientOptions } from '../callback-client.js';
import { CALLBACK_TRANSPORT } from './callback-transport.js';
import { HttpServiceTransport } from './http-service-transport.js';
import { UndiciTransport } from './undici-transport.js';

/** The `HttpService` every callback goes through: a host may add axios interceptors to its `axiosRef`. */
export const CALLBACK_HTTP_SERVICE = Symbol('CALLBACK_HTTP_SERVICE');

export const transportProviders: Provider[] = [
  {
    provide: UndiciTransport,
    inject: [AddressRules, DELIVERY_OPTIONS],
    useFactory: (rules: AddressRules, { timeoutMs }: DeliveryOptions) =>
      new UndiciTransport({ rules, connectTimeoutMs: timeoutMs }),
  },
  // An instance of the module's own: the host's HttpService and its interceptors are the host's.
  { provide: CALLBACK_HTTP_SERVICE, useFactory: () => new HttpService(axios.create()) },
  {
    provide: CALLBACK_TRANSPORT,
    inject: [CALLBACK_HTTP_SERVICE, UndiciTransport],
    useFactory: (http: HttpService, wire: UndiciTransport) => new HttpServiceTransport(http, wire),
  },
  {
    provide: CALLBACK_CLIENT_OPTIONS,
    inject: [DELIVERY_OPTIONS],
    useFactory: ({ timeoutMs }: DeliveryOptions): CallbackClientOptions => ({ timeoutMs }),
  },
  CallbackClient,
];
