import { HttpService } from '@nestjs/axios';
import axios from 'axios';
import { Clock } from '../../src/service-callbacks/clock.js';
import { CallbackClient } from '../../src/service-callbacks/transport/callback-client.js';
import { HttpServiceTransport } from '../../src/service-callbacks/transport/http-service-transport.js';
import { UndiciTransport } from '../../src/service-callbacks/transport/undici-transport.js';
import type { Proxy } from '../../src/service-callbacks/connections/proxy.js';
import { nameResolver, type Resolve } from '../../src/service-callbacks/names/name-resolver.js';
import {
  AddressRules,
  type AddressRulesOptions,
} from '../../src/service-callbacks/addresses/address-rules.js';

export interface ClientUnderTest {
  readonly client: CallbackClient;
  readonly wire: UndiciTransport;
  /** Where a host's interceptors run; unused if `through` is `undici`. */
  readonly http: HttpService;
}

export interface ClientOptions extends Partial<AddressRulesOptions> {
  readonly through?: 'http-service' | 'undici';
  /** Default 2,000. */
  readonly timeoutMs?: number;
  readonly extraCa?: string;
  readonly resolve?: Resolve;
  readonly proxy?: Proxy;
}

/** The delivery path's client with nothing replaced; by default it may call loopback over plain http. */
export function clientUnderTest({
  through = 'http-service',
  timeoutMs = 2_000,
  allowHttp = true,
  allowedNetworks = ['127.0.0.0/8'],
  allowedPorts = [],
  resolve = nameResolver({ timeoutMs }),
  ...connector
}: ClientOptions = {}): ClientUnderTest {
  const rules = new AddressRules({ allowHttp, allowedNetworks, allowedPorts });
  const wire = new UndiciTransport({ rules, connectTimeoutMs: timeoutMs, resolve, ...connector });
  const http = new HttpService(axios.create());
  const transport = through === 'undici' ? wire : new HttpServiceTransport(http, wire);
  return { client: new CallbackClient(transport, new Clock(), { timeoutMs }), wire, http };
}
