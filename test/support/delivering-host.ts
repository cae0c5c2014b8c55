import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import {
  serviceCallbackEntities,
  serviceCallbackMigrations,
  ServiceCallbacksModule,
  type ServiceCallbacksOptions,
} from '../../src/index.js';
import { queueEnvironment } from './queue-backend.js';

/** An application that has the module by its `imports:` line, and nothing of this service. */
export async function startHost(
  databaseUrl: string,
  options: Partial<Pick<ServiceCallbacksOptions, 'callbackTypes' | 'delivery'>> = {},
): Promise<INestApplication> {
  const { REDIS_URL: redisUrl } = await queueEnvironment();
  const testing = await Test.createTestingModule({
    imports: [
      TypeOrmModule.forRoot({
        type: 'postgres',
        url: databaseUrl,
        entities: [...serviceCallbackEntities],
        migrations: [...serviceCallbackMigrations],
      }),
      ServiceCallbacksModule.forRoot({
        queue: redisUrl === undefined ? { backend: 'postgres' } : { backend: 'redis', url: redisUrl },
        encryptionKeys: [`host:${Buffer.alloc(32, 5).toString('base64')}`],
        addresses: { allowHttp: true, allowedNetworks: ['127.0.0.0/8'] },
        ...options,
      }),
    ],
  }).compile();
  return testing.init() as unknown as Promise<INestApplication>;
}
