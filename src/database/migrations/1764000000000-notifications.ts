import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Notifications1764000000000 implements MigrationInterface {
  name = 'Notifications1764000000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE notifications (
        id uuid PRIMARY KEY,
        service_id text NOT NULL,
        notification_type text NOT NULL CHECK (notification_type IN ('email', 'sms', 'letter')),
        "to" text NOT NULL,
        template_id uuid NOT NULL,
        template_version integer NOT NULL,
        reference text,
        status text NOT NULL,
        sent_by text,
        sent_at timestamptz,
        created_at timestamptz NOT NULL,
        updated_at timestamptz
      )`);
    await queryRunner.query(
      `CREATE INDEX notifications_service_id_created_at ON notifications (service_id, created_at)`,
    );
    await queryRunner.query(
      `CREATE INDEX notifications_reference ON notifications (reference, created_at) WHERE reference IS NOT NULL`,
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE notifications`);
  }
}
