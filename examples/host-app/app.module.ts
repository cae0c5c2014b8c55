import { Module, type DynamicModule } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { optionsFromEnv, ServiceCallbacksModule } from 'service-callbacks';
import { databaseOptions } from './database.js';
import { OrdersModule } from './orders/orders.module.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** What this process does beside its own work; by default it delivers, and leaves the REST controllers out. */
export interface CallbackParts {
  readonly processors?: boolean;
  readonly controllers?: boolean;
}

/** A shop that informs its sellers' servers when an order was dispatched. */
@Module({})
export class AppModule {
  static forRoot(env: Environment, parts: CallbackParts = {}): DynamicModule {
    return {
      module: AppModule,
      imports: [
        TypeOrmModule.forRoot(databaseOptions(env['DATABASE_URL'])),
        ServiceCallbacksModule.forRoot({
          ...optionsFromEnv(env),
          ...parts,
          isGlobal: true,
        }),
        OrdersModule,
      ],
    };
  }
}
