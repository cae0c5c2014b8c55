import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Where services want their callbacks. Tokens and secrets are sealed; the row's id is their associated data. */
export class Endpoints1764000000001 implements MigrationInterface {
  name = 'Endpoints1764000000001';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE service_callback_apis (
        id uuid PRIMARY KEY,
        service_id text NOT NULL,
        callback_type text NOT NULL,
        url text NOT NULL,
        bearer_token text NOT NULL,
        signing_secret text,
        previous_signing_secret text,
        previous_signing_secret_until timestamptz,
        updated_by_id text,
        created_at timestamptz NOT NULL,
        updated_at timestamptz,
        disabled_at timestamptz,
        disabled_reason text CHECK (disabled_reason IN ('gone', 'failing', 'by_hand')),
        warned_percent smallint NOT NULL DEFAULT 0,
        warned_since timestamptz,
        CONSTRAINT service_callback_apis_one_per_type UNIQUE (service_id, callback_type),
        CONSTRAINT service_callback_apis_disabled_for_a_reason
          CHECK ((disabled_at IS NULL) = (disabled_reason IS NULL))
      )`);
    await queryRunner.query(
      `CREATE INDEX service_callback_apis_disabled ON service_callback_apis (id) WHERE disabled_at IS NOT NULL`,
    );
    await queryRunner.query(
      `CREATE INDEX service_callback_apis_warned ON service_callback_apis (id) WHERE warned_since IS NOT NULL`,
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE service_callback_apis`);
  }
}
