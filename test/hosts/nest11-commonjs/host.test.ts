import { expect, it } from '@jest/globals';
import { getQueueToken } from '@nestjs/bullmq';
import { NestFactory } from '@nestjs/core';
import type { Queue } from 'bullmq';
import { ConsoleModule } from 'service-callbacks/console';
import { oneCallback } from './app/one-callback.js';
import { HostModule, Weighing } from './host.module.js';

it('delivers a callback beside work of its own', async () => {
  const app = await NestFactory.create(HostModule, { logger: ['error'], abortOnError: false });
  try {
    await app.listen(0, '127.0.0.1');
    await app.get<Queue>(getQueueToken('weighing')).add('weigh', {});
    expect(await oneCallback(app)).toMatchObject({
      refusal: { status: 400 },
      callback: { isOfParcel: true },
    });
    while (app.get(Weighing).done.length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
  } finally {
    await app.close();
  }
}, 30_000);

it('finds the console, and the form of the package that this Jest can load', () => {
  expect(typeof ConsoleModule.forRoot).toBe('function');
  expect(require.resolve('service-callbacks')).toContain(`/dist/${process.env['EXPECTED_FORM']}/`);
});
