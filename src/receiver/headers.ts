import { CallbackVerificationError } from './errors.js';

/** The headers of a request: of Node, Express, Fastify or a serverless event, or the web's `Headers`. */
export type CallbackHeaders =
  { get(name: string): string | null } | Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * @param name in lower case
 * @throws CallbackVerificationError if the header is missing, or is there twice
 */
export function requiredHeader(headers: CallbackHeaders, name: string): string {
  const [value, ...others] = valuesOf(headers, name);
  if (value === undefined)
    throw new CallbackVerificationError('header_missing', `The header ${name} is missing`);
  if (others.length > 0)
    throw new CallbackVerificationError('header_malformed', `The header ${name} is there more than once`);
  return value;
}

export function valuesOf(headers: CallbackHeaders, name: string): readonly string[] {
  if (isWebHeaders(headers)) return [headers.get(name) ?? []].flat();
  return Object.entries(headers)
    .filter(([key]) => key.toLowerCase() === name)
    .flatMap(([, value]) => value ?? []);
}

function isWebHeaders(headers: CallbackHeaders): headers is { get(name: string): string | null } {
  return typeof headers['get'] === 'function';
}
