import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Between the caller's commit and a queue that is not in the caller's database (R18). Whoever commits a
 * row wakes its relay: `NOTIFY` is as transactional as the row.
 */
export class Outbox1764000000003 implements MigrationInterface {
  name = 'Outbox1764000000003';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE service_callback_outbox (
        seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        job text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now()
      )`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE service_callback_outbox`);
  }
}
