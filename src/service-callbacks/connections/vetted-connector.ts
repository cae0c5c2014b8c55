import { isIP, type Socket } from 'node:net';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import { buildConnector } from 'undici';
import type { AddressRules } from '../addresses/address-rules.js';
import { portOf } from '../addresses/callback-url.js';
import { guardResponses } from './response-guard.js';
import type { Resolve } from '../names/name-resolver.js';
import { NoResponseError } from './errors.js';
import { proxiedConnector } from './proxied-connector.js';
import type { Proxy } from './proxy.js';
import { vettedAddresses, vettedLookup } from './vetted-lookup.js';

export interface ConnectorOptions {
  readonly rules: AddressRules;
  /**
   * A connection that takes longer to make is destroyed, ms (undici's clock adds up to 1 s). Use the attempt's
   * deadline: nothing waits for the connection after it.
   */
  readonly connectTimeoutMs: number;
  /** PEM certificates trusted beside the system's (`CALLBACK_EXTRA_CA_FILE`). */
  readonly extraCa?: string;
  readonly resolve: Resolve;
  /** The proxy of all connections. */
  readonly proxy?: Proxy;
  /** Called with each new connection; it must not change it. */
  readonly onConnected?: (socket: Socket) => void;
}

/**
 * How long one of several addresses is tried before the next, ms (RFC 8305). Node's default of 250 gives up on hosts on
 * another continent.
 */
const NEXT_ADDRESS_AFTER_MS = 500;

/** Opens connections for undici, only to checked addresses. Certificates are always verified; TLS 1.2 or later. */
export function vettedConnector(options: ConnectorOptions): buildConnector.connector {
  const { rules } = options;
  const secureContext = secureContextWith(options.extraCa);
  const connect =
    options.proxy === undefined
      ? directConnector(options, secureContext)
      : throughProxy(options, options.proxy, secureContext);

  return (target, callback) => {
    if (isIP(target.hostname) !== 0 && !rules.mayDial(target.hostname, portOf(target))) {
      // Undici expects the callback after this call has returned.
      process.nextTick(callback, new NoResponseError('address_not_allowed'), null);
      return;
    }
    connect({ ...target, ...servernameOf(target) }, (...[error, socket]) => {
      if (error !== null) {
        callback(error, null);
        return;
      }
      guardResponses(socket);
      options.onConnected?.(socket);
      callback(null, socket);
    });
  };
}

function directConnector(
  { rules, connectTimeoutMs, resolve }: ConnectorOptions,
  secureContext: SecureContext,
): buildConnector.connector {
  const connectorFor = (mayDial: (ip: string) => boolean): buildConnector.connector =>
    buildConnector({
      secureContext,
      rejectUnauthorized: true, // explicit, because it overrides NODE_TLS_REJECT_UNAUTHORIZED=0
      allowH2: false,
      timeout: connectTimeoutMs,
      lookup: vettedLookup(resolve, mayDial),
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_AFTER_MS,
    });
  // A lookup does not get the port, but the port decides which check an address must pass.
  const onListedPort = connectorFor((ip) => rules.isAllowed(ip));
  const onOtherPort = connectorFor((ip) => rules.isExempt(ip));

  return (target, callback) => {
    const connect = rules.isListedPort(portOf(target)) ? onListedPort : onOtherPort;
    connect(target, callback);
  };
}

function throughProxy(
  { rules, connectTimeoutMs, resolve }: ConnectorOptions,
  proxy: Proxy,
  secureContext: SecureContext,
): buildConnector.connector {
  return proxiedConnector({
    proxy,
    secureContext,
    timeoutMs: connectTimeoutMs,
    addressesOf: async (hostname, port) => {
      const family = isIP(hostname);
      if (family !== 0) return [{ address: hostname, family }];
      return vettedAddresses(hostname, resolve, (ip) => rules.mayDial(ip, port));
    },
  });
}

/** The name that the certificate must have: a fully qualified name without its trailing dot (RFC 6066 §3). */
function servernameOf(target: buildConnector.Options): { servername?: string } {
  if (target.protocol !== 'https:' || isIP(target.hostname) !== 0) return {};
  return { servername: target.hostname.replace(/\.$/, '') };
}

/** One for all connections: parsing the certificates takes milliseconds. */
function secureContextWith(extraCa: string | undefined): SecureContext {
  return createSecureContext({
    minVersion: 'TLSv1.2',
    ...(extraCa === undefined ? {} : { ca: [...getCACertificates('default'), extraCa] }),
  });
}
