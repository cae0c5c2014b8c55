import { parseCookie, stringifySetCookie } from 'cookie';
import type { Request, Response } from 'express';
import { consoleBase } from '../paths.js';

/** Cookies: the session, and the synchroniser token of a browser without a session. */
export const COOKIES = { session: 'service-callbacks-console', signIn: 'service-callbacks-sign-in' } as const;

type CookieName = (typeof COOKIES)[keyof typeof COOKIES];

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/i;

export function cookieOf(request: Request, name: CookieName): string | undefined {
  return parseCookie(request.headers.cookie ?? '')[name] || undefined;
}

export function setCookie(request: Request, response: Response, name: CookieName, value: string): void {
  append(response, stringifySetCookie({ name, value, ...attributes(request) }));
}

export function clearCookie(request: Request, response: Response, name: CookieName): void {
  append(response, stringifySetCookie({ name, value: '', maxAge: 0, ...attributes(request) }));
}

/** Whether the browser is on this machine: only there is plain http safe enough. */
export function isLoopback({ headers }: Pick<Request, 'headers'>): boolean {
  return LOOPBACK.test((headers.host ?? '').replace(/:\d+$/, ''));
}

/** Whether the request came over https, as far as this server knows: a proxy may terminate TLS. */
export function isHttps(request: Request): boolean {
  return request.secure || request.headers['x-forwarded-proto'] === 'https';
}

/** A session cookie of the browser. Its real lifetime is sealed inside. */
function attributes(request: Request) {
  return {
    httpOnly: true,
    sameSite: 'strict',
    path: consoleBase(),
    secure: isHttps(request) || !isLoopback(request),
  } as const;
}

function append(response: Response, cookie: string): void {
  response.append('Set-Cookie', cookie);
}
