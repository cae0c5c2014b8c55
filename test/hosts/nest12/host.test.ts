import { NestFactory } from '@nestjs/core';
import { expect, it } from 'vitest';
import { AppModule } from './app/app.module.js';
import { oneCallback } from './app/one-callback.js';

it('delivers a callback', async () => {
  const app = await NestFactory.create(AppModule, { logger: ['error'], abortOnError: false });
  try {
    await app.listen(0, '127.0.0.1');
    expect(await oneCallback(app)).toMatchObject({
      refusal: { status: 400 },
      callback: { isOfParcel: true },
    });
  } finally {
    await app.close();
  }
}, 30_000);
