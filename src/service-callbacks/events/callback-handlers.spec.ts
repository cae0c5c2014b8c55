import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { captureNestLogs } from '../../../test/support/nest-logs.js';
import type { CallbackEvents } from './callback-events.js';
import { CallbackHandlers } from './callback-handlers.js';
import { OnCallback } from './on-callback.decorator.js';

const delivered = (callbackId: string): CallbackEvents['delivered'] => ({
  callbackId,
  serviceId: 'service',
  callbackApiId: 'endpoint',
  callbackType: 'delivery_status',
  subjectId: 'subject',
  url: 'https://receiver.example.com/',
  attempt: 1,
  durationMs: 5,
  statusCode: 200,
});

/** Its calls end when the test lets them. */
@Injectable()
class Held {
  readonly begun: string[] = [];
  private readonly gate = Promise.withResolvers<void>();

  @OnCallback('delivered')
  async onDelivered({ callbackId }: CallbackEvents['delivered']): Promise<void> {
    this.begun.push(callbackId);
    await this.gate.promise;
  }

  open(): void {
    this.gate.resolve();
  }
}

describe('CallbackHandlers', () => {
  async function start() {
    const module = await Test.createTestingModule({
      providers: [CallbackHandlers, Held, { provide: 'alias', useExisting: Held }],
    }).compile();
    await module.init();
    return { handlers: module.get(CallbackHandlers), held: module.get(Held) };
  }

  it('calls a handler once, whatever the number of its tokens, and after its caller goes on', async () => {
    const { handlers, held } = await start();
    handlers.emit('delivered', () => delivered('1'));
    expect(held.begun).toEqual([]);
    held.open();
    await handlers.finish();
    expect(held.begun).toEqual(['1']);
  });

  it('creates no event without a handler', async () => {
    const { handlers } = await start();
    const emitted = () =>
      handlers.emit('given_up', () => {
        throw new Error('made');
      });
    expect(emitted).not.toThrow();
  });

  it('runs 16 calls at once, queues 10,000, and logs once that it drops more', async () => {
    const { handlers, held } = await start();
    const logs = captureNestLogs();
    for (let i = 0; i < 10_020; i++) handlers.emit('delivered', () => delivered(String(i)));
    await Promise.resolve();
    expect(held.begun).toHaveLength(16);
    expect(logs).toMatchObject([{ event: 'handler.overloaded', handler: 'Held.onDelivered' }]);
    held.open();
    await handlers.finish();
    expect(held.begun).toHaveLength(10_016);
  });
});
