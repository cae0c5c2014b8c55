import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { markReceived, type CallbackPayload } from 'service-callbacks/receiver';
import { DataSource } from 'typeorm';
import { Delivery } from './delivery.entity.js';

@Injectable()
export class DeliveriesService {
  constructor(@InjectDataSource() private readonly dataSource: DataSource) {}

  /** The mark and the effect commit together: the callback counts once, however often it is delivered. */
  note(callbackId: string, { status }: CallbackPayload<'delivery_status'>): Promise<void> {
    return this.dataSource.transaction(async (manager) => {
      if (!(await markReceived(manager, callbackId))) return;
      await manager.query(
        `INSERT INTO deliveries (status, count) VALUES ($1, 1)
         ON CONFLICT (status) DO UPDATE SET count = deliveries.count + 1`,
        [status],
      );
    });
  }

  async count(status: string): Promise<number> {
    const found = await this.dataSource.manager.findOneBy(Delivery, { status });
    return found?.count ?? 0;
  }
}
