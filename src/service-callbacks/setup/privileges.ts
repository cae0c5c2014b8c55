/** What a running process does with a table. */
export const TABLE_PRIVILEGES = ['SELECT', 'INSERT', 'UPDATE', 'DELETE'] as const;

/** What a database user may not do with a table. */
export interface MissingPrivileges {
  /** As they stand in a statement: quoted where they have to be. */
  readonly user: string;
  readonly table: string;
  readonly privileges: readonly string[];
}

/** One fault for all tables that lack the same privileges. */
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
