import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * One signing secret per callback API (R20). Rows that are there get none: a secret that nobody was shown
 * verifies nothing. Their requests go out unsigned, as before, until their owner rotates the secret.
 */
export class SigningSecrets1764000000010 implements MigrationInterface {
  name = 'SigningSecrets1764000000010';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE service_callback_apis
        ADD COLUMN signing_secret text,
        ADD COLUMN previous_signing_secret text,
        ADD COLUMN previous_signing_secret_until timestamptz`);
    for (const column of ['signing_secret', 'previous_signing_secret']) {
      await queryRunner.query(
        `COMMENT ON COLUMN service_callback_apis.${column} IS 'encrypted; bound to the row by its id'`,
      );
    }
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE service_callback_apis
        DROP COLUMN signing_secret,
        DROP COLUMN previous_signing_secret,
        DROP COLUMN previous_signing_secret_until`);
  }
}
