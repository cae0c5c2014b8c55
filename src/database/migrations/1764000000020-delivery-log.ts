import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What was delivered and what was not, for people: one row a callback in partitions of a day (UTC) of
 * `queued_at`, which the partition keeper makes and drops, and figures that are kept without the rows.
 * Text ids: a job nobody can understand may claim anything.
 */
export class DeliveryLog1764000000020 implements MigrationInterface {
  name = 'DeliveryLog1764000000020';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE service_callback_log (
        id uuid NOT NULL,
        queued_at timestamptz NOT NULL,
        service_id text,
        callback_api_id text,
        callback_type text NOT NULL,
        subject_id text,
        state text NOT NULL,
        reason text,
        generation integer NOT NULL,
        attempts jsonb NOT NULL,
        attempt_count integer NOT NULL,
        last_status integer,
        last_error text,
        first_attempt_at timestamptz,
        last_attempt_at timestamptz,
        next_at timestamptz,
        forward_ms double precision,
        changed_at timestamptz NOT NULL,
        PRIMARY KEY (id, queued_at)
      ) PARTITION BY RANGE (queued_at)`);
    // Each list is read per state and merged, so that one index serves it with and without that filter.
    await queryRunner.query(
      `CREATE INDEX service_callback_log_by_service ON service_callback_log (service_id, state, queued_at, id)`,
    );
    await queryRunner.query(
      `CREATE INDEX service_callback_log_by_api ON service_callback_log (callback_api_id, state, queued_at, id)`,
    );
    // For lists of everybody's callbacks alone. A bare column would tempt the planner, wherever it takes a state to
    // be rare, to walk over everybody's rows for those of one service.
    await queryRunner.query(
      `CREATE INDEX service_callback_log_by_state ON service_callback_log ((state || ''), queued_at, id)`,
    );
    await queryRunner.query(
      `CREATE INDEX service_callback_log_by_subject ON service_callback_log (subject_id, queued_at, id)`,
    );
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
        circuits jsonb NOT NULL,
        dropped bigint NOT NULL
      )`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(
      `DROP TABLE service_callback_log, service_callback_minutes, service_callback_endpoint_hours,
       service_callback_endpoint_health, service_callback_processes`,
    );
  }
}
