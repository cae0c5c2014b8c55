import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Where rows of the outbox go that are no jobs. A table of its own: a column more would wait for every
 * transaction that has enqueued, and hold up all that want to.
 */
export class OutboxRefusals1764000000023 implements MigrationInterface {
  name = 'OutboxRefusals1764000000023';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE service_callback_outbox_refusals (
        seq bigint PRIMARY KEY,
        job text NOT NULL,
        created_at timestamptz NOT NULL,
        refused_at timestamptz NOT NULL DEFAULT now(),
        reason text NOT NULL
      )`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE service_callback_outbox_refusals`);
  }
}
