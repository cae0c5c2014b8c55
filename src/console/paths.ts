/** Where the console lives. A host that sets a global prefix excludes it from that. */
export const CONSOLE = '/console';

type Query = Readonly<Record<string, string | undefined>>;

/** An address with the parts of the query that there are. */
export function withQuery(path: string, query: Query): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => Boolean(entry[1]));
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given).toString()}`;
}

/** Every address of the console; ids are percent-encoded, whatever they are. */
export const paths = {
  overview: CONSOLE,
  signIn: `${CONSOLE}/sign-in`,
  signOut: `${CONSOLE}/sign-out`,
  search: `${CONSOLE}/search`,
  callbacks: `${CONSOLE}/callbacks`,
  callback: (serviceId: string, id: string) => `${serviceOf(serviceId)}/callbacks/${encodeURIComponent(id)}`,
  endpoint: (serviceId: string, id: string) => `${serviceOf(serviceId)}/endpoints/${encodeURIComponent(id)}`,
  deadLetters: `${CONSOLE}/dead-letters`,
  replay: (id: string) => `${CONSOLE}/replays/${encodeURIComponent(id)}`,
} as const;

/** Somewhere in the console, or its overview: a redirect never leads elsewhere. */
export function insideConsole(path: unknown): string {
  const base = 'http://console.invalid';
  if (typeof path !== 'string' || !path.startsWith('/') || !URL.canParse(path, base)) return paths.overview;
  const { origin, pathname, search } = new URL(path, base);
  const isInside = origin === base && /^\/console(\/|$)/.test(pathname);
  return isInside ? pathname + search : paths.overview;
}

function serviceOf(serviceId: string): string {
  return `${CONSOLE}/services/${encodeURIComponent(serviceId)}`;
}
