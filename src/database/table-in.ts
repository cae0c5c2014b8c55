import type { DataSource } from 'typeorm';

/**
 * A table's name for a statement: with the schema of the `DataSource` where it has one (its `schema` option), as
 * TypeORM names entities, so that a caller's connection may have another `search_path`.
 */
export function tableIn({ options, driver }: DataSource, name: string): string {
  const schema = options.type === 'postgres' ? options.schema : undefined;
  return schema === undefined ? name : `${driver.escape(schema)}.${driver.escape(name)}`;
}
