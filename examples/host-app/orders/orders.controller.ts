import { Body, Controller, Param, ParseUUIDPipe, Post } from '@nestjs/common';
import type { SendResult } from 'service-callbacks';
import type { Order } from './order.entity.js';
import { OrdersService } from './orders.service.js';

@Controller('orders')
export class OrdersController {
  constructor(private readonly orders: OrdersService) {}

  @Post()
  place(@Body('seller_id', ParseUUIDPipe) sellerId: string): Promise<Order> {
    return this.orders.place(sellerId);
  }

  @Post(':id/dispatch')
  dispatch(
    @Param('id', ParseUUIDPipe) id: string,
    @Body('tracking_number') trackingNumber: string,
  ): Promise<SendResult> {
    return this.orders.dispatch(id, trackingNumber);
  }
}
