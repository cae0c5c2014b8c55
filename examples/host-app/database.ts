import { serviceCallbackEntities, serviceCallbackMigrations } from 'service-callbacks';
import type { DataSourceOptions } from 'typeorm';
import { CreateOrders1764100000000 } from './orders/1764100000000-create-orders.js';
import { Order } from './orders/order.entity.js';

/** The host's own DataSource; the module's tables stand in it beside the host's. */
export function databaseOptions(url: string | undefined) {
  return {
    type: 'postgres',
    url,
    entities: [Order, ...serviceCallbackEntities],
    migrations: [CreateOrders1764100000000, ...serviceCallbackMigrations],
    migrationsRun: true,
  } satisfies DataSourceOptions;
}
