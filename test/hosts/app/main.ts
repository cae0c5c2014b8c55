import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { oneCallback } from './one-callback.js';

/** Prints what came of it, and ends by itself. */
async function main(): Promise<void> {
  const app = await NestFactory.create(AppModule, { logger: ['error'] });
  await app.listen(0, '127.0.0.1');
  const outcome = await oneCallback(app);
  await app.close();
  process.stdout.write(JSON.stringify(outcome));
}

void main();
