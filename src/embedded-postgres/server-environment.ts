/**
 * The environment of PostgreSQL's programs: ours without what would change their ways. `PG*` variables are
 * meant for another server, and messages are matched in English.
 */
export function serverEnvironment(): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    const changesServer = name.startsWith('PG') || name.startsWith('LC_') || name === 'LANG' || name === 'TZ';
    if (value !== undefined && !changesServer) environment[name] = value;
  }
  return { ...environment, LC_ALL: 'C', TZ: 'UTC' };
}
