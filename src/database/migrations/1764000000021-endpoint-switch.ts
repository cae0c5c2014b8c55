import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A callback API can be switched off, by hand or by the policy, and is warned before the policy does. */
export class EndpointSwitch1764000000021 implements MigrationInterface {
  name = 'EndpointSwitch1764000000021';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE service_callback_apis
        ADD COLUMN disabled_at timestamptz,
        ADD COLUMN disabled_reason text CHECK (disabled_reason IN ('gone', 'failing', 'by_hand')),
        ADD COLUMN warned_percent smallint NOT NULL DEFAULT 0,
        ADD COLUMN warned_since timestamptz,
        ADD CONSTRAINT service_callback_apis_disabled_for_a_reason
          CHECK ((disabled_at IS NULL) = (disabled_reason IS NULL))`);
    await queryRunner.query(
      `COMMENT ON COLUMN service_callback_apis.warned_since IS
         'the beginning of the failure that warned_percent is about; another failure is warned of afresh'`,
    );
    await queryRunner.query(
      `CREATE INDEX service_callback_apis_disabled ON service_callback_apis (id) WHERE disabled_at IS NOT NULL`,
    );
    await queryRunner.query(
      `CREATE INDEX service_callback_apis_warned ON service_callback_apis (id) WHERE warned_since IS NOT NULL`,
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE service_callback_apis
        DROP COLUMN disabled_at,
        DROP COLUMN disabled_reason,
        DROP COLUMN warned_percent,
        DROP COLUMN warned_since`);
  }
}
