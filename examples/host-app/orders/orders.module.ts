import { Module } from '@nestjs/common';
import { ServiceCallbacksModule } from 'service-callbacks';
import { orderDispatched } from './order-dispatched.callback.js';
import { OrdersController } from './orders.controller.js';
import { OrdersService } from './orders.service.js';

@Module({
  imports: [ServiceCallbacksModule.forFeature([orderDispatched])],
  controllers: [OrdersController],
  providers: [OrdersService],
})
export class OrdersModule {}
