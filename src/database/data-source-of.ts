import type { DataSource, QueryRunner } from 'typeorm';

/** TypeORM 0.3 has it under the older name alone. */
export function dataSourceOf(queryRunner: QueryRunner): DataSource {
  const { dataSource }: { dataSource?: DataSource } = queryRunner;
  return dataSource ?? queryRunner.connection;
}
