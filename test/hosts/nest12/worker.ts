import { NestFactory } from '@nestjs/core';
import { HostModule } from './app/host.module.js';

const app = await NestFactory.createApplicationContext(HostModule.forRoot(), { logger: ['error'] });
process.once('disconnect', () => void app.close());
process.send?.('started');
