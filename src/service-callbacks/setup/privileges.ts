/** The privileges on a table that a running process needs. */
export const TABLE_PRIVILEGES = ['SELECT', 'INSERT', 'UPDATE', 'DELETE'] as const;

/** The privileges on a table that a database user lacks. */
export interface MissingPrivileges {
  /** As a statement needs them: quoted if necessary. */
  readonly user: string;
  readonly table: string;
  readonly privileges: readonly string[];
}

/** One fault for all tables with the same missing privileges. */
export function privilegeFaults(missing: readonly MissingPrivileges[]): string[] {
  const alike = Map.groupBy(missing, ({ user, privileges }) => `${privileges.join(', ')}\n${user}`);
  return [...alike].map(([key, of]) => {
    const [privileges, user] = key.split('\n');
    const tables = of.map(({ table }) => table).join(', ');
    return `The database user ${user} lacks ${privileges} on ${tables}: GRANT ${privileges} ON ${tables} TO ${user}`;
  });
}

export function usageFault(user: string, schema: string): string {
  return `The database user ${user} lacks USAGE on the schema ${schema}: GRANT USAGE ON SCHEMA ${schema} TO ${user}`;
}
