import type { MigrationInterface, QueryRunner } from 'typeorm';

class ReceivedCallbacks1764200000000 implements MigrationInterface {
  name = 'ReceivedCallbacks1764200000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE received_callbacks (
        id text CONSTRAINT received_callbacks_pkey PRIMARY KEY,
        received_at timestamptz NOT NULL DEFAULT now()
      )`);
    await queryRunner.query(
      `CREATE INDEX received_callbacks_received_at ON received_callbacks (received_at)`,
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE received_callbacks`);
  }
}

/** The migrations for a receiver that deduplicates. */
export const receivedCallbackMigrations = [ReceivedCallbacks1764200000000] as const;
