import { Column, Entity, PrimaryColumn } from 'typeorm';

/** How many messages came to this end. */
@Entity('deliveries')
export class Delivery {
  @PrimaryColumn('text')
  status!: string;

  @Column('integer')
  count!: number;
}
