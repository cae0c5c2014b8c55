/**
 * The environment of PostgreSQL's programs: this process's, without `PG*` variables, which are for another server, and
 * with messages in English, because this code reads them.
 */
export function serverEnvironment(): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    const changesServer = name.startsWith('PG') || name.startsWith('LC_') || name === 'LANG' || name === 'TZ';
    if (value !== undefined && !changesServer) environment[name] = value;
  }
  return { ...environment, LC_ALL: 'C', TZ: 'UTC' };
}
