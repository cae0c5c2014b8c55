import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import {
  optionsFromEnv,
  serviceCallbackEntities,
  serviceCallbackMigrations,
  ServiceCallbacksModule,
} from 'service-callbacks';
import { CreateParcels1764100000000, Parcel } from './parcel.js';
import { ParcelsService } from './parcels.service.js';

@Module({
  imports: [
    TypeOrmModule.forRoot({
      type: 'postgres',
      url: process.env['DATABASE_URL'],
      entities: [Parcel, ...serviceCallbackEntities],
      migrations: [CreateParcels1764100000000, ...serviceCallbackMigrations],
      migrationsRun: true,
    }),
    ServiceCallbacksModule.forRoot({ ...optionsFromEnv(process.env), controllers: true }),
  ],
  providers: [ParcelsService],
})
export class AppModule {}
