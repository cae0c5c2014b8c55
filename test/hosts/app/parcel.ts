import { IsPositive, IsUUID } from 'class-validator';
import { Column, Entity, PrimaryColumn, type MigrationInterface, type QueryRunner } from 'typeorm';

/** What the host keeps itself. */
@Entity('parcels')
export class Parcel {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('text')
  status!: 'delivered' | 'archived';
}

export class CreateParcels1764100000000 implements MigrationInterface {
  name = 'CreateParcels1764100000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('CREATE TABLE parcels (id uuid PRIMARY KEY, status text NOT NULL)');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE parcels');
  }
}

export class DeliveredParcel {
  @IsUUID()
  customerId!: string;

  @IsPositive()
  grams!: number;
}
