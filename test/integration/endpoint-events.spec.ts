import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Injectable, Module, type DynamicModule, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventEmitter2, EventEmitterModule, OnEvent } from '@nestjs/event-emitter';
import { TypeOrmModule } from '@nestjs/typeorm';
import {
  CallbackApisService,
  ENDPOINT_EVENTS,
  EndpointSwitch,
  serviceCallbackEntities,
  ServiceCallbacksModule,
  type CallbackApi,
  type EndpointChange,
  type EndpointDisabled,
} from 'service-callbacks';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { captureNestLogs } from '../support/nest-logs.js';

/** What a host does with the events. */
@Injectable()
class Pager {
  readonly disabled: EndpointDisabled[] = [];

  @OnEvent(ENDPOINT_EVENTS.disabled)
  onDisabled(event: EndpointDisabled): void {
    this.disabled.push(event);
  }
}

@Module({ providers: [Pager] })
class PagerModule {}

@Module({})
class HostModule {}

describe('changes of endpoints in a host', () => {
  const running: INestApplicationContext[] = [];
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createTestDatabase();
  });

  afterEach(async () => {
    await Promise.all(running.splice(0).map((app) => app.close()));
  });

  afterAll(async () => {
    await database.drop();
  });

  async function startHost(
    ...parts: NonNullable<DynamicModule['imports']>
  ): Promise<INestApplicationContext> {
    const host: DynamicModule = {
      module: HostModule,
      imports: [
        TypeOrmModule.forRoot({
          type: 'postgres',
          url: database.url,
          entities: [...serviceCallbackEntities],
          retryAttempts: 0,
        }),
        ServiceCallbacksModule.forRoot({
          queue: { backend: 'postgres' },
          encryptionKeys: [`host:${Buffer.alloc(32, 3).toString('base64')}`],
          processors: false,
        }),
        ...parts,
      ],
    };
    const app = await NestFactory.createApplicationContext(host, { logger: false, abortOnError: false });
    running.push(app);
    return app;
  }

  const register = (app: INestApplicationContext): Promise<CallbackApi> =>
    app.get(CallbackApisService).create({
      serviceId: randomUUID(),
      callbackType: 'complaint',
      url: 'https://service.example.com/',
      bearerToken: 'a-bearer-token',
      updatedById: randomUUID(),
    });

  it('are typed events of its own EventEmitter2', async () => {
    const app = await startHost(EventEmitterModule.forRoot(), PagerModule);
    await app.init();
    const { id, serviceId, url } = await register(app);
    await app.get(EndpointSwitch).disable(serviceId, id);
    expect(app.get(Pager).disabled).toEqual([
      {
        change: 'disabled',
        callbackApiId: id,
        serviceId,
        callbackType: 'complaint',
        url,
        reason: 'by_hand',
        at: expect.any(Date),
      },
    ]);
  });

  it('reach the other listeners when one throws', async () => {
    const app = await startHost(EventEmitterModule.forRoot());
    const seen: EndpointChange[] = [];
    app.get(EventEmitter2).on(ENDPOINT_EVENTS.disabled, (change: EndpointChange) => {
      seen.push(change);
      throw new Error('the pager is broken');
    });
    const { id, serviceId } = await register(app);
    const logs = captureNestLogs();
    expect(await app.get(EndpointSwitch).disable(serviceId, id)).toMatchObject({ disabledReason: 'by_hand' });
    expect(seen).toHaveLength(1);
    expect(logs.filter(({ level }) => level === 'error')).toMatchObject([
      {
        event: 'endpoint.notification_failed',
        what: 'listener',
        err: { message: 'the pager is broken', stack: expect.stringContaining('endpoint-events.spec') },
      },
    ]);
  });

  it('need no EventEmitterModule', async () => {
    const app = await startHost();
    expect(() => app.get(EventEmitter2)).toThrow(/could not find EventEmitter/);
    const { id, serviceId } = await register(app);
    await app.get(EndpointSwitch).disable(serviceId, id);
    const { callbackApi, waiting } = await app.get(EndpointSwitch).enable(serviceId, id);
    expect(callbackApi.disabledAt).toBeNull();
    expect(waiting).toBe(0);
  });
});
