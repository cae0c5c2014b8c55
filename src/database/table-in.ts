import type { DataSource } from 'typeorm';

/**
 * A table's name for a statement. If the `DataSource` has a `schema` option, the name includes the schema, because a
 * caller's connection may have another `search_path`.
 */
export function tableIn({ options, driver }: DataSource, name: string): string {
  const schema = options.type === 'postgres' ? options.schema : undefined;
  return schema === undefined ? name : `${driver.escape(schema)}.${driver.escape(name)}`;
}
