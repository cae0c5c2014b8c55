import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Tokens of the REST API, by their hashes. */
export class ApiTokens1764000000011 implements MigrationInterface {
  name = 'ApiTokens1764000000011';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE service_callback_api_tokens (
        id uuid PRIMARY KEY,
        name text NOT NULL,
        token_hash text NOT NULL UNIQUE,
        scopes text[] NOT NULL,
        service_id text,
        created_at timestamptz NOT NULL,
        revoked_at timestamptz
      )`);
    await queryRunner.query(
      `COMMENT ON COLUMN service_callback_api_tokens.token_hash IS 'SHA-256 in hex; the token is kept nowhere'`,
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE service_callback_api_tokens`);
  }
}
