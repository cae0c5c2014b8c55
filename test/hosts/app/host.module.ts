import { BullModule } from '@nestjs/bullmq';
import { Module, ValidationPipe, type DynamicModule } from '@nestjs/common';
import { APP_FILTER, APP_PIPE } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import {
  optionsFromEnv,
  serviceCallbackEntities,
  serviceCallbackMigrations,
  ServiceCallbacksModule,
  type ServiceCallbacksExtras,
} from 'service-callbacks';
import { ArchiveProcessor } from './archive.processor.js';
import { CreateParcels1764100000000, Parcel } from './parcel.js';
import { ParcelsController } from './parcels.controller.js';
import { ProblemFilter } from './problem.filter.js';

@Module({})
export class HostModule {
  static forRoot(callbacks: ServiceCallbacksExtras = {}): DynamicModule {
    return {
      module: HostModule,
      imports: [
        TypeOrmModule.forRoot({
          type: 'postgres',
          url: process.env['DATABASE_URL'],
          entities: [Parcel, ...serviceCallbackEntities],
          migrations: [CreateParcels1764100000000, ...serviceCallbackMigrations],
          migrationsRun: true,
        }),
        BullModule.forRoot({ connection: { url: process.env['REDIS_URL'] } }),
        BullModule.registerQueue({ name: 'archive' }),
        ServiceCallbacksModule.forRoot({
          ...optionsFromEnv(process.env),
          isGlobal: true,
          controllers: true,
          ...callbacks,
        }),
      ],
      controllers: [ParcelsController],
      providers: [
        ArchiveProcessor,
        {
          provide: APP_PIPE,
          useValue: new ValidationPipe({ transform: true, whitelist: true, forbidNonWhitelisted: true }),
        },
        { provide: APP_FILTER, useClass: ProblemFilter },
      ],
    };
  }
}
