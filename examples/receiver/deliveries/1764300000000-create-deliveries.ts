import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateDeliveries1764300000000 implements MigrationInterface {
  name = 'CreateDeliveries1764300000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`CREATE TABLE deliveries (status text PRIMARY KEY, count integer NOT NULL)`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE deliveries`);
  }
}
