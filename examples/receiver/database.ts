import { receivedCallbackEntities, receivedCallbackMigrations } from 'service-callbacks/receiver';
import type { DataSourceOptions } from 'typeorm';
import { CreateDeliveries1764300000000 } from './deliveries/1764300000000-create-deliveries.js';
import { Delivery } from './deliveries/delivery.entity.js';

/** The receiver's own `DataSource`, which also has the ids of received callbacks. */
export function databaseOptions(url: string | undefined) {
  return {
    type: 'postgres',
    url,
    entities: [Delivery, ...receivedCallbackEntities],
    migrations: [CreateDeliveries1764300000000, ...receivedCallbackMigrations],
    migrationsRun: true,
  } satisfies DataSourceOptions;
}
