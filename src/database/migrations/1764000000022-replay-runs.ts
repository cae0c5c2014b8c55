import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What was asked to be replayed together, so that it can be watched and stopped; and indexes of the console's lists. */
export class ReplayRuns1764000000022 implements MigrationInterface {
  name = 'ReplayRuns1764000000022';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE service_callback_replays (
        id uuid PRIMARY KEY,
        service_id text,
        total integer NOT NULL,
        queued integer NOT NULL DEFAULT 0,
        refused integer NOT NULL DEFAULT 0,
        requested_at timestamptz NOT NULL,
        advanced_at timestamptz,
        stopped_at timestamptz
      )`);
    await queryRunner.query(
      `CREATE INDEX service_callback_replays_age ON service_callback_replays (requested_at)`,
    );
    await queryRunner.query(`ALTER TABLE service_callback_dead_letters ADD COLUMN replay_id uuid`);
    await queryRunner.query(`
      CREATE INDEX service_callback_dead_letters_of_replay ON service_callback_dead_letters (replay_id)
      WHERE replay_requested_at IS NOT NULL`);
    await queryRunner.query(`
      CREATE INDEX service_callback_dead_letters_by_api
      ON service_callback_dead_letters (callback_api_id, given_up_at DESC, id)`);
    await queryRunner.query(`
      CREATE INDEX service_callback_dead_letters_by_reason
      ON service_callback_dead_letters (reason, given_up_at DESC, id)`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(
      `DROP INDEX service_callback_dead_letters_by_api, service_callback_dead_letters_by_reason`,
    );
    await queryRunner.query(`ALTER TABLE service_callback_dead_letters DROP COLUMN replay_id`);
    await queryRunner.query(`DROP TABLE service_callback_replays`);
  }
}
