import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Longest wait for the table's lock, ms: whoever wants to enqueue waits behind this, and while the index is built. */
const LOCK_TIMEOUT_MS = 5_000;

/**
 * The outbox in the order of the queue, so that one service's flood is not between another's callback and Redis.
 * The column waits for every open transaction that has enqueued: where one stays open for longer than the
 * timeout, this fails, has changed nothing (in the transaction that TypeORM runs it in), and is to be run again.
 * What an older release enqueues is as urgent as a quiet service's callback.
 */
export class OutboxPriority1764000000024 implements MigrationInterface {
  name = 'OutboxPriority1764000000024';

  async up(queryRunner: QueryRunner): Promise<void> {
    const [found] = (await queryRunner.query(`SELECT current_setting('lock_timeout') AS before`)) as [
      { before: string },
    ];
    await setLockTimeout(queryRunner, String(LOCK_TIMEOUT_MS));
    await queryRunner.query(
      `ALTER TABLE service_callback_outbox ADD COLUMN priority integer NOT NULL DEFAULT 1`,
    );
    await queryRunner.query(
      `CREATE INDEX service_callback_outbox_order ON service_callback_outbox (priority, seq)`,
    );
    await setLockTimeout(queryRunner, found.before);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP INDEX service_callback_outbox_order`);
    await queryRunner.query(`ALTER TABLE service_callback_outbox DROP COLUMN priority`);
  }
}

/** For this transaction. */
async function setLockTimeout(queryRunner: QueryRunner, timeout: string): Promise<void> {
  await queryRunner.query(`SELECT set_config('lock_timeout', $1, true)`, [timeout]);
}
