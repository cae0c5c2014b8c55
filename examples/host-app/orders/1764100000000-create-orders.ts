import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateOrders1764100000000 implements MigrationInterface {
  name = 'CreateOrders1764100000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE orders (
        id uuid PRIMARY KEY,
        seller_id uuid NOT NULL,
        status text NOT NULL CHECK (status IN ('placed', 'dispatched')),
        -- Two parcels may swap numbers within a transaction: it is checked at commit.
        tracking_number text UNIQUE DEFERRABLE INITIALLY DEFERRED,
        dispatched_at timestamptz
      )`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE orders`);
  }
}
