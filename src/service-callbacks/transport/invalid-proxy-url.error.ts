export class InvalidProxyUrlError extends Error {
  override readonly name = 'InvalidProxyUrlError';

  constructor() {
    super('The proxy URL is not one: accepted is http://[user:password@]host[:port], or the same with https');
  }
}
