import type pg from 'pg';

type Login = Partial<Pick<pg.Client, 'user' | 'database'>>;

/**
 * Why there is no connection to a database, and what to do.
 * @param setting the setting that names the database
 */
export function connectionFault(error: unknown, setting: string, client: pg.Client): string {
  const found = `The database of ${setting} is unavailable at ${client.host}:${client.port}: ${reasonOf(error)}.`;
  return `${found} ${connectionRemedy(error, setting, client)}`;
}

/** By SQLSTATE, or by the code of the connection's error. */
export function connectionRemedy(error: unknown, setting: string, { user, database }: Login = {}): string {
  const { code = '' } = error as { readonly code?: string };
  if (code === '3D000')
    return `Create the database${database === undefined ? '' : ` "${database}"`}, or name another in ${setting}.`;
  if (code.startsWith('28'))
    return `Correct the user${user === undefined ? '' : ` "${user}"`} or its password in ${setting}.`;
  if (code === '53300') return 'Raise max_connections of PostgreSQL, or lower DATABASE_POOL_SIZE.';
  return `Start PostgreSQL there, or correct ${setting}.`;
}

/** For a name, all of its addresses may have been tried. */
export function reasonOf(error: unknown): string {
  const { message, errors } = error as Partial<AggregateError>;
  return Array.isArray(errors) && errors.length > 0 ? errors.map(reasonOf).join(', ') : (message ?? '');
}
