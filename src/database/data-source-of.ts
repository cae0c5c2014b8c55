import type { DataSource, QueryRunner } from 'typeorm';

/** TypeORM 0.3 has only the older name. */
export function dataSourceOf(queryRunner: QueryRunner): DataSource {
  const { dataSource }: { dataSource?: DataSource } = queryRunner;
  return dataSource ?? queryRunner.connection;
}
