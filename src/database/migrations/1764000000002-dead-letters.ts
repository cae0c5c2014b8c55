import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Where a callback that was given up is kept (R16). Keyed by the callback's id: an end that repeats after a crash is one row. */
export class DeadLetters1764000000002 implements MigrationInterface {
  name = 'DeadLetters1764000000002';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE service_callback_dead_letters (
        id uuid PRIMARY KEY,
        service_id text,
        callback_api_id text,
        callback_type text NOT NULL,
        subject_id text,
        url text,
        reason text NOT NULL,
        detail text,
        document text,
        generation integer NOT NULL,
        attempts jsonb NOT NULL,
        queued_at timestamptz NOT NULL,
        given_up_at timestamptz NOT NULL,
        replay_requested_at timestamptz,
        replayed_at timestamptz
      )`);
    await queryRunner.query(
      `CREATE INDEX service_callback_dead_letters_listing ON service_callback_dead_letters (service_id, given_up_at DESC, id)`,
    );
    await queryRunner.query(`
      CREATE INDEX service_callback_dead_letters_to_replay ON service_callback_dead_letters (replay_requested_at)
      WHERE replay_requested_at IS NOT NULL`);
    await queryRunner.query(
      `CREATE INDEX service_callback_dead_letters_age ON service_callback_dead_letters (given_up_at)`,
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE service_callback_dead_letters`);
  }
}
