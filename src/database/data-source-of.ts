import type { DataSource, QueryRunner } from 'typeorm';

/** TypeORM 0.3 has it under the older name alone. */
export function dataSourceOf(queryRunner: QueryRunner): DataSource {
  return (queryRunner.dataSource as DataSource | undefined) ?? queryRunner.connection;
}
