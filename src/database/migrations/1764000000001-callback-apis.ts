import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CallbackApis1764000000001 implements MigrationInterface {
  name = 'CallbackApis1764000000001';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE service_callback_apis (
        id uuid PRIMARY KEY,
        service_id uuid NOT NULL,
        callback_type text NOT NULL,
        url text NOT NULL,
        bearer_token text NOT NULL,
        updated_by_id uuid NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz,
        CONSTRAINT service_callback_apis_one_per_type UNIQUE (service_id, callback_type)
      )`);
    await queryRunner.query(
      `COMMENT ON COLUMN service_callback_apis.bearer_token IS 'encrypted; bound to the row by its id'`,
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE service_callback_apis`);
  }
}
