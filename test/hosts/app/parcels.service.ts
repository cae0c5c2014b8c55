import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { CallbackApisService, ServiceCallbacksProducer } from 'service-callbacks';
import { DataSource } from 'typeorm';
import { Parcel } from './parcel.js';

@Injectable()
export class ParcelsService {
  constructor(
    @InjectDataSource() private readonly dataSource: DataSource,
    private readonly callbacks: ServiceCallbacksProducer,
    private readonly callbackApis: CallbackApisService,
  ) {}

  /** The customer wants the news of their parcels at this URL. */
  async subscribe(customerId: string, url: string): Promise<void> {
    await this.callbackApis.create({
      serviceId: customerId,
      callbackType: 'delivery_status',
      url,
      bearerToken: 'a-token-of-the-customer',
      updatedById: customerId,
    });
  }

  /** The parcel and its callback commit together. */
  deliver(customerId: string): Promise<Parcel> {
    return this.dataSource.transaction(async (manager) => {
      const parcel = await manager.save(Parcel, { id: randomUUID(), status: 'delivered' });
      const now = new Date();
      await this.callbacks.sendDeliveryStatus(
        {
          id: parcel.id,
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
      return parcel;
    });
  }
}
