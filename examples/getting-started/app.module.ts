import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import {
  optionsFromEnv,
  serviceCallbackEntities,
  serviceCallbackMigrations,
  ServiceCallbacksModule,
} from 'service-callbacks';
import { orderDispatched } from './order-dispatched.callback.js';
import { OrdersController } from './orders.controller.js';

// #region module
@Module({
  imports: [
    TypeOrmModule.forRoot({
      type: 'postgres',
      url: process.env['DATABASE_URL'],
      entities: [...serviceCallbackEntities],
      migrations: [...serviceCallbackMigrations],
      migrationsRun: true,
    }),
    ServiceCallbacksModule.forRoot({ ...optionsFromEnv(process.env), isGlobal: true, controllers: true }),
    ServiceCallbacksModule.forFeature([orderDispatched]),
  ],
  controllers: [OrdersController],
})
export class AppModule {}
// #endregion
