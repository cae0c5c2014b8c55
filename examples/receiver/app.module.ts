import { Module, type DynamicModule } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { CallbackReceiverModule } from 'service-callbacks/receiver';
import { databaseOptions } from './database.js';
import { DeliveriesController } from './deliveries/deliveries.controller.js';
import { DeliveriesService } from './deliveries/deliveries.service.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** A team's server that counts its delivered messages. */
@Module({})
export class AppModule {
  static forRoot(env: Environment): DynamicModule {
    return {
      module: AppModule,
      imports: [
        TypeOrmModule.forRoot(databaseOptions(env['DATABASE_URL'])),
        CallbackReceiverModule.forRoot({
          secrets: listOf(env['CALLBACK_SECRETS']),
          bearerTokens: listOf(env['CALLBACK_TOKENS']),
        }),
      ],
      controllers: [DeliveriesController],
      providers: [DeliveriesService],
    };
  }
}

/** A comma-separated list: during a rotation, the old and the new value. */
const listOf = (value = '') => value.split(',').filter((item) => item !== '');
