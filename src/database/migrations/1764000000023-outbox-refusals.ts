import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A row of the outbox that the queue refuses for what it is waits beside the others, not in front of them. */
export class OutboxRefusals1764000000023 implements MigrationInterface {
  name = 'OutboxRefusals1764000000023';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE service_callback_outbox ADD COLUMN passed_over_until timestamptz`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE service_callback_outbox DROP COLUMN passed_over_until`);
  }
}
