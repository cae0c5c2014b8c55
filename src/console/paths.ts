import { AsyncLocalStorage } from 'node:async_hooks';

const base = new AsyncLocalStorage<string>();

/** Where the console is in this application: behind its global prefix, or that of `RouterModule`. */
export function consoleBase(): string {
  return base.getStore() ?? '/console';
}

/** Middleware: within a request, all addresses begin as its own does. */
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

/** An address with the parts of the query that there are. */
export function withQuery(path: string, query: Query): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => Boolean(entry[1]));
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given).toString()}`;
}

/** Every address of the console; ids are percent-encoded, whatever they are. */
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
  get deadLetters() {
    return `${consoleBase()}/dead-letters`;
  },
  replay: (id: string) => `${consoleBase()}/replays/${encodeURIComponent(id)}`,
} as const;

/** Somewhere in the console, or its overview: a redirect never leads elsewhere. */
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
