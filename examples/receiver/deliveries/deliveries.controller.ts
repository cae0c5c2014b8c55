import { Controller, HttpCode, Post } from '@nestjs/common';
import {
  ReceivedCallback,
  VerifyCallback,
  type CallbackPayload,
  type VerifiedCallback,
} from 'service-callbacks/receiver';
import { DeliveriesService } from './deliveries.service.js';

@Controller('callbacks')
export class DeliveriesController {
  constructor(private readonly deliveries: DeliveriesService) {}

  @Post('delivery-status')
  @HttpCode(204)
  @VerifyCallback()
  async receive(
    @ReceivedCallback() callback: VerifiedCallback<CallbackPayload<'delivery_status'>>,
  ): Promise<void> {
    await this.deliveries.note(callback.id, callback.payload);
  }
}
