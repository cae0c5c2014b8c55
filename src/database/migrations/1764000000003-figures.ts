import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Sums that outlive the records: outcomes by minute and hour, the health of endpoints, and the running processes. */
export class Figures1764000000003 implements MigrationInterface {
  name = 'Figures1764000000003';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE service_callback_minutes (
        service_id text NOT NULL,
        minute timestamptz NOT NULL,
        delivered bigint NOT NULL,
        failed bigint NOT NULL,
        deferred bigint NOT NULL,
        given_up bigint NOT NULL,
        forward_histogram bigint[] NOT NULL,
        PRIMARY KEY (service_id, minute)
      )`);
    await queryRunner.query(`CREATE INDEX service_callback_minutes_age ON service_callback_minutes (minute)`);
    await queryRunner.query(`
      CREATE TABLE service_callback_endpoint_hours (
        callback_api_id text NOT NULL,
        hour timestamptz NOT NULL,
        service_id text NOT NULL,
        delivered bigint NOT NULL,
        failed bigint NOT NULL,
        deferred bigint NOT NULL,
        given_up bigint NOT NULL,
        duration_histogram bigint[] NOT NULL,
        PRIMARY KEY (callback_api_id, hour)
      )`);
    await queryRunner.query(
      `CREATE INDEX service_callback_endpoint_hours_age ON service_callback_endpoint_hours (hour)`,
    );
    await queryRunner.query(
      `CREATE INDEX service_callback_endpoint_hours_by_service ON service_callback_endpoint_hours (service_id, hour)`,
    );
    await queryRunner.query(`
      CREATE TABLE service_callback_endpoint_health (
        callback_api_id text PRIMARY KEY,
        service_id text NOT NULL,
        last_success_at timestamptz,
        last_failure_at timestamptz,
        last_failure text,
        failing_since timestamptz,
        attempts_since_success bigint NOT NULL
      )`);
    await queryRunner.query(
      `CREATE INDEX service_callback_endpoint_health_failing ON service_callback_endpoint_health (failing_since)
       WHERE failing_since IS NOT NULL`,
    );
    await queryRunner.query(`
      CREATE TABLE service_callback_processes (
        id uuid PRIMARY KEY,
        label text NOT NULL,
        at timestamptz NOT NULL,
        in_flight integer NOT NULL,
        dropped bigint NOT NULL
      )`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(
      `DROP TABLE service_callback_minutes, service_callback_endpoint_hours, service_callback_endpoint_health,
       service_callback_processes`,
    );
  }
}
