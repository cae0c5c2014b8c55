import { AsyncLocalStorage } from 'node:async_hooks';

const base = new AsyncLocalStorage<string>();

/** The path of the console in this application: behind its global prefix, or that of `RouterModule`. */
export function consoleBase(): string {
  return base.getStore() ?? '/console';
}

/** Middleware: all addresses of a page begin like the address of its request. */
export function atItsBase(
  { originalUrl }: { readonly originalUrl: string },
  _response: unknown,
  next: () => void,
): void {
  const own = /^[^?]*?\/console(?=[/?]|$)/i.exec(originalUrl)?.[0];
  if (own === undefined) next();
  else base.run(own, next);
}

type Query = Readonly<Record<string, string | undefined>>;

/** An address with the defined parts of the query. */
export function withQuery(path: string, query: Query): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => Boolean(entry[1]));
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given).toString()}`;
}

/** Every address of the console. Ids are percent-encoded. */
export const paths = {
  get overview() {
    return consoleBase();
  },
  get signIn() {
    return `${consoleBase()}/sign-in`;
  },
  get signOut() {
    return `${consoleBase()}/sign-out`;
  },
  get search() {
    return `${consoleBase()}/search`;
  },
  get callbacks() {
    return `${consoleBase()}/callbacks`;
  },
  callback: (serviceId: string, id: string) => `${serviceOf(serviceId)}/callbacks/${encodeURIComponent(id)}`,
  endpoint: (serviceId: string, id: string) => `${serviceOf(serviceId)}/endpoints/${encodeURIComponent(id)}`,
  get givenUp() {
    return `${consoleBase()}/dead-letters`;
  },
  replay: (id: string) => `${consoleBase()}/replays/${encodeURIComponent(id)}`,
} as const;

/** An address within the console, or else its overview: a redirect never leaves the console. */
export function insideConsole(path: unknown): string {
  const server = 'http://console.invalid';
  if (typeof path !== 'string' || !path.startsWith('/') || !URL.canParse(path, server)) return paths.overview;
  const { origin, pathname, search } = new URL(path, server);
  const isInside = origin === server && `${pathname}/`.startsWith(`${consoleBase()}/`);
  return isInside ? pathname + search : paths.overview;
}

function serviceOf(serviceId: string): string {
  return `${consoleBase()}/services/${encodeURIComponent(serviceId)}`;
}
