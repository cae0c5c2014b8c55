import { Controller, Param, Post } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { ServiceCallbacksProducer, type SendResult } from 'service-callbacks';
import { DataSource } from 'typeorm';
import { orderDispatched } from './order-dispatched.callback.js';

@Controller('orders')
export class OrdersController {
  constructor(
    @InjectDataSource() private readonly dataSource: DataSource,
    private readonly callbacks: ServiceCallbacksProducer,
  ) {}

  @Post(':id/dispatch')
  dispatch(@Param('id') id: string): Promise<SendResult> {
    return this.dataSource.transaction((manager) => {
      // Your own statements go here, through the same manager.
      return this.callbacks.send(orderDispatched, { id, sellerId: 'acme' }, { manager });
    });
  }
}
