import type { Request } from 'express';

/**
 * The address of a request's client (`TRUSTED_PROXIES`), without the port that some proxies append:
 * `203.0.113.7:51234`.
 */
export function addressOf({ ip = '' }: Pick<Request, 'ip'>): string {
  const [, ipv4, ipv6] = /^(?:(\d+(?:\.\d+){3})|\[([^\]]+)\])(?::\d+)?$/.exec(ip) ?? [];
  return ipv4 ?? ipv6 ?? ip;
}
