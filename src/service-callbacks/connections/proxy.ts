import { InvalidProxyUrlError } from './errors.js';

/** The forward proxy of `CALLBACK_PROXY_URL`. */
export interface Proxy {
  readonly host: string;
  readonly port: number;
  /** The connection to the proxy uses TLS. */
  readonly isTls: boolean;
  /** `Proxy-Authorization`, if the URL has credentials. */
  readonly authorization?: string;
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

/** @throws InvalidProxyUrlError, which repeats nothing of the URL: it may have a password */
export function parseProxyUrl(text: string): Proxy {
  const url = URL.parse(text);
  const defaultPort = url === null ? undefined : DEFAULT_PORTS[url.protocol];
  if (url === null || defaultPort === undefined || url.hostname === '') throw new InvalidProxyUrlError();
  const { username, password } = url;
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? defaultPort : Number(url.port),
    isTls: url.protocol === 'https:',
    ...((username !== '' || password !== '') && { authorization: basic(username, password) }),
  };
}

/** RFC 7617; in a URL both parts are percent-encoded. */
function basic(username: string, password: string): string {
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return `Basic ${Buffer.from(credentials, 'utf8').toString('base64')}`;
}
