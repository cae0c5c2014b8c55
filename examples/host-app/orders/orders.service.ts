import { randomUUID } from 'node:crypto';
import { Injectable, NotFoundException } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { ServiceCallbacksProducer, type SendResult } from 'service-callbacks';
import { DataSource } from 'typeorm';
import { orderDispatched } from './order-dispatched.callback.js';
import { Order } from './order.entity.js';

@Injectable()
export class OrdersService {
  constructor(
    @InjectDataSource() private readonly dataSource: DataSource,
    private readonly callbacks: ServiceCallbacksProducer,
  ) {}

  async place(sellerId: string): Promise<Order> {
    const order = this.dataSource.manager.create(Order, {
      id: randomUUID(),
      sellerId,
      status: 'placed',
      trackingNumber: null,
      dispatchedAt: null,
    });
    await this.dataSource.manager.insert(Order, order);
    return order;
  }

  find(id: string): Promise<Order | null> {
    return this.dataSource.manager.findOneBy(Order, { id });
  }

  /** The order and the news of it commit together or not at all: the callback goes through this `manager`. */
  dispatch(id: string, trackingNumber: string): Promise<SendResult> {
    return this.dataSource.transaction(async (manager) => {
      const order = await manager.findOne(Order, {
        where: { id, status: 'placed' },
        lock: { mode: 'pessimistic_write' },
      });
      if (!order) throw new NotFoundException(`There is no order ${id} to dispatch`);
      const dispatched = manager.merge(Order, order, {
        status: 'dispatched',
        trackingNumber,
        dispatchedAt: new Date(),
      });
      await manager.save(dispatched);
      return this.callbacks.send(orderDispatched.type, dispatched, { manager });
    });
  }
}
