import { randomUUID } from 'node:crypto';
import { InjectQueue } from '@nestjs/bullmq';
import { Body, Controller, Get, Param, Post, UnprocessableEntityException } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { Queue } from 'bullmq';
import { ServiceCallbacksProducer } from 'service-callbacks';
import { DataSource } from 'typeorm';
import { DeliveredParcel, Parcel } from './parcel.js';

@Controller('parcels')
export class ParcelsController {
  constructor(
    @InjectDataSource() private readonly dataSource: DataSource,
    @InjectQueue('archive') private readonly archive: Queue,
    private readonly callbacks: ServiceCallbacksProducer,
  ) {}

  /** The parcel and its callback commit together. */
  @Post()
  async deliver(@Body() { customerId, grams }: DeliveredParcel) {
    const id = randomUUID();
    const callback = await this.dataSource.transaction(async (manager) => {
      await manager.insert(Parcel, { id, status: 'delivered' });
      const now = new Date();
      const sent = await this.callbacks.sendDeliveryStatus(
        {
          id,
          serviceId: customerId,
          reference: 'parcel',
          to: 'recipient@example.com',
          status: 'delivered',
          createdAt: now,
          updatedAt: now,
          sentAt: now,
          notificationType: 'email',
          templateId: randomUUID(),
          templateVersion: 1,
        },
        { manager },
      );
      if (grams > 30_000) throw new UnprocessableEntityException('The parcel is too heavy');
      return sent;
    });
    await this.archive.add('archive', { id });
    return { id, callback };
  }

  @Get(':id')
  find(@Param('id') id: string): Promise<Parcel | null> {
    return this.dataSource.manager.findOneBy(Parcel, { id });
  }
}
