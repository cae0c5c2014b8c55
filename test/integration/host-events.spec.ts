import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Injectable, Module, Scope } from '@nestjs/common';
import { OnCallback, type CallbackEvents } from 'service-callbacks';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { EndpointSwitch } from '../../src/service-callbacks/endpoint-health/endpoint-switch.js';
import { aNotification } from '../support/builders/a-notification.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { startHost, type Host } from '../support/host.js';
import { captureNestLogs } from '../support/nest-logs.js';
import { startReceiver, type Receiver } from '../support/receiver.js';

type Settled = 'delivered' | 'retrying' | 'given_up';

/** What a host does with the events. */
@Injectable()
class Pager {
  readonly calls = new EventEmitter();
  readonly retrying: CallbackEvents['retrying'][] = [];
  readonly disabled: CallbackEvents['endpoint_disabled'][] = [];

  constructor(@InjectDataSource() private readonly dataSource: DataSource) {}

  @OnCallback('delivered', 'given_up')
  async onSettled(event: CallbackEvents['delivered' | 'given_up']): Promise<void> {
    const rows: unknown = await this.dataSource.query(
      'SELECT state, reason FROM service_callbacks WHERE id = $1',
      [event.callbackId],
    );
    this.calls.emit('settled', event, rows);
    if (event.subjectId === 'breaks the pager')
      throw new Error('the pager is broken', { cause: new Error('its battery is empty') });
  }

  @OnCallback('retrying')
  onRetrying(event: CallbackEvents['retrying']): void {
    this.retrying.push(event);
  }

  @OnCallback('endpoint_disabled')
  onDisabled(event: CallbackEvents['endpoint_disabled']): void {
    this.disabled.push(event);
    this.calls.emit('disabled');
  }

  async settled(): Promise<readonly [CallbackEvents[Settled], unknown]> {
    return (await once(this.calls, 'settled')) as [CallbackEvents[Settled], unknown];
  }
}

@Module({ providers: [Pager] })
class PagerModule {}

describe("a host's handlers of events", () => {
  let database: TestDatabase;
  let receiver: Receiver;
  let host: Host;
  let pager: Pager;

  beforeAll(async () => {
    [database, receiver] = await Promise.all([createTestDatabase(), startReceiver()]);
    host = await start(PagerModule);
    await host.app.init();
    pager = host.app.get(Pager);
  });

  afterAll(async () => {
    await host.close();
    await Promise.all([database.drop(), receiver.close()]);
  });

  const start = (...imports: NonNullable<Parameters<typeof Module>[0]['imports']>): Promise<Host> =>
    startHost(database.url, {
      extras: { imports },
      delivery: { retryDelayMs: 1, retryMaxDelayMs: 1 },
    });

  async function register(path: string) {
    return host.callbackApis.create({
      serviceId: randomUUID(),
      callbackType: 'delivery_status',
      url: receiver.url(path),
      bearerToken: 'a-bearer-token',
    });
  }

  it('are called with the result of a callback, after its commit', async () => {
    receiver.respond('/recovers', [503, 200]);
    const { id: callbackApiId, serviceId, url } = await register('/recovers');
    const settled = pager.settled();
    const notification = aNotification({ serviceId });
    await host.producer.sendDeliveryStatus(notification);

    const [event, rows] = await settled;
    const callback = {
      callbackId: expect.any(String),
      serviceId,
      callbackApiId,
      callbackType: 'delivery_status',
      subjectId: notification.id,
      url,
    };
    expect(event).toEqual({ ...callback, attempt: 2, durationMs: expect.any(Number), statusCode: 200 });
    expect(rows).toEqual([{ state: 'delivered', reason: null }]);
    expect(pager.retrying).toEqual([
      {
        ...callback,
        attempt: 1,
        durationMs: expect.any(Number),
        statusCode: 503,
        error: null,
        nextAttemptAt: expect.any(Date),
      },
    ]);
  });

  it('are called with why a callback was given up', async () => {
    receiver.respond('/missing', 404);
    const { serviceId } = await register('/missing');
    const settled = pager.settled();
    await host.producer.sendDeliveryStatus(aNotification({ serviceId }));
    const [event, rows] = await settled;
    expect(event).toMatchObject({
      serviceId,
      reason: 'not_retried',
      attempt: 1,
      statusCode: 404,
      error: null,
      detail: null,
    });
    expect(rows).toEqual([{ state: 'given_up', reason: 'not_retried' }]);
  });

  it('are called for changes of an endpoint', async () => {
    const { id, serviceId, url } = await register('/disabled');
    const called = once(pager.calls, 'disabled');
    await host.app.get(EndpointSwitch).disable(serviceId, id);
    await called;
    expect(pager.disabled).toEqual([
      {
        change: 'disabled',
        callbackApiId: id,
        serviceId,
        callbackType: 'delivery_status',
        url,
        reason: 'by_hand',
        at: expect.any(Date),
      },
    ]);
  });

  describe('that fail', () => {
    it('are logged with their cause and disturb no callback', async () => {
      const { serviceId } = await register('/works');
      const logs = captureNestLogs();
      const settled = pager.settled();
      await host.producer.sendDeliveryStatus(aNotification({ serviceId, id: 'breaks the pager' }));
      expect((await settled)[1]).toEqual([{ state: 'delivered', reason: null }]);
      const next = pager.settled();
      await host.producer.sendDeliveryStatus(aNotification({ serviceId }));
      await next;
      expect(logs.filter(({ level }) => level === 'error')).toMatchObject([
        {
          event: 'handler.failed',
          handler: 'Pager.onSettled',
          callback_event: 'delivered',
          err: { message: 'the pager is broken', cause: { message: 'its battery is empty' } },
        },
      ]);
    });
  });

  it('end before the application is closed', async () => {
    const ended: string[] = [];

    @Injectable()
    class Slow {
      readonly calls = new EventEmitter();

      @OnCallback('delivered')
      async onDelivered({ serviceId }: CallbackEvents['delivered']): Promise<void> {
        this.calls.emit('begun');
        await once(this.calls, 'go');
        ended.push(serviceId);
      }
    }

    @Module({ providers: [Slow] })
    class SlowModule {}

    const { serviceId } = await register('/slow');
    const other = await start(SlowModule);
    // From now on only the other host delivers.
    await host.close();
    await other.app.init();
    const { calls } = other.app.get(Slow);
    const begun = once(calls, 'begun');
    await other.producer.sendDeliveryStatus(aNotification({ serviceId }));
    await begun;
    const closed = other.close();
    setImmediate(() => calls.emit('go'));
    await closed;
    expect(ended).toEqual([serviceId]);
  });

  it('are refused at start in a request-scoped class', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class PerRequest {
      @OnCallback('delivered')
      onDelivered(): void {}
    }

    @Module({ providers: [PerRequest] })
    class PerRequestModule {}

    const started = start(PerRequestModule).then(({ app }) => app.init());
    await expect(started).rejects.toThrow(/PerRequest\.onDelivered .* made per request: move/);
  });

  it('are refused for an unknown event', () => {
    expect(() => OnCallback('deliverd' as 'delivered')).toThrow(
      "@OnCallback('deliverd'): no event is called deliverd; there are delivered, retrying, given_up, endpoint_warned",
    );
  });
});
