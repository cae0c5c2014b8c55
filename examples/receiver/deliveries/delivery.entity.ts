import { Column, Entity, PrimaryColumn } from 'typeorm';

/** How many messages ended with this status. */
@Entity('deliveries')
export class Delivery {
  @PrimaryColumn('text')
  status!: string;

  @Column('integer')
  count!: number;
}
