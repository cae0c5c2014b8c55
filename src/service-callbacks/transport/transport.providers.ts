import { HttpService } from '@nestjs/axios';
import axios from 'axios';
import type { Provider } from '@nestjs/common';
import { AddressRules } from '../addresses/address-rules.js';
import {
  SERVICE_CALLBACKS_OPTIONS,
  type CompleteOptions,
  type DeliveryOptions,
} from '../service-callbacks.options.js';
import { DELIVERY_OPTIONS } from '../tokens.js';
import { CallbackClient } from './callback-client.js';
import { CALLBACK_TRANSPORT, type CallbackTransport } from './callback-transport.js';
import { HttpServiceTransport } from './http-service-transport.js';
import { nameResolver } from '../names/name-resolver.js';
import { parseProxyUrl } from '../connections/proxy.js';
import { UndiciTransport } from './undici-transport.js';
import type { ConnectorOptions } from '../connections/vetted-connector.js';

/** The `HttpService` of every callback: a host may add axios interceptors to its `axiosRef`. */
export const CALLBACK_HTTP_SERVICE = Symbol('CALLBACK_HTTP_SERVICE');

/** `ConnectorOptions`: how connections to endpoints are made. */
export const CONNECTOR_OPTIONS = Symbol('CONNECTOR_OPTIONS');

/** Puts a host's axios interceptors, if it can have any, in front of a transport. */
export type WithInterceptors = (transport: CallbackTransport) => CallbackTransport;

export const WITH_INTERCEPTORS = Symbol('WITH_INTERCEPTORS');

export const transportProviders: Provider[] = [
  {
    provide: CONNECTOR_OPTIONS,
    inject: [AddressRules, DELIVERY_OPTIONS, SERVICE_CALLBACKS_OPTIONS],
    useFactory: (
      rules: AddressRules,
      { timeoutMs }: DeliveryOptions,
      { egress: { dnsServers, extraCa, proxyUrl } }: CompleteOptions,
    ): ConnectorOptions => ({
      rules,
      connectTimeoutMs: timeoutMs,
      resolve: nameResolver({ timeoutMs, ...(dnsServers.length > 0 && { servers: dnsServers }) }),
      ...(extraCa !== undefined && { extraCa }),
      ...(proxyUrl !== undefined && { proxy: parseProxyUrl(proxyUrl) }),
    }),
  },
  {
    provide: UndiciTransport,
    inject: [CONNECTOR_OPTIONS],
    useFactory: (options: ConnectorOptions) => new UndiciTransport(options),
  },
  // An instance of the module's own: the host's HttpService and its interceptors are not used.
  { provide: CALLBACK_HTTP_SERVICE, useFactory: ownHttpService },
  {
    provide: WITH_INTERCEPTORS,
    inject: [DELIVERY_OPTIONS, CALLBACK_HTTP_SERVICE],
    useFactory:
      ({ transport }: DeliveryOptions, http: HttpService): WithInterceptors =>
      (inner) =>
        transport === 'undici' ? inner : new HttpServiceTransport(http, inner),
  },
  {
    provide: CALLBACK_TRANSPORT,
    inject: [WITH_INTERCEPTORS, UndiciTransport],
    useFactory: (withInterceptors: WithInterceptors, undici: UndiciTransport) => withInterceptors(undici),
  },
  CallbackClient,
];

/** Defaults for an interceptor's own requests on the instance. Callbacks have their own settings. */
const KEPT_DEFAULTS: ReadonlySet<string> = new Set([
  'transformRequest',
  'transformResponse',
  'validateStatus',
]);

/**
 * An `HttpService` without axios' other defaults. A host may have headers with secrets among them. And axios merges
 * each default into each request, which is a third of its cost.
 */
function ownHttpService(): HttpService {
  const instance = axios.create();
  const defaults: Partial<Record<string, unknown>> = instance.defaults;
  for (const name of Object.keys(defaults)) if (!KEPT_DEFAULTS.has(name)) delete defaults[name];
  defaults['headers'] = {};
  return new HttpService(instance);
}
