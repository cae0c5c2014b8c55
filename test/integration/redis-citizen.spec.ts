import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { defaultsOf } from '../../src/config/setting.js';
import { queueTiming } from '../../src/config/settings.js';
import { FetchLoop } from '../../src/service-callbacks/queues/fetch-loop.js';
import { gatherWrites } from '../../src/service-callbacks/queues/gathered-writes.js';
import type { AnyJob } from '../../src/service-callbacks/queues/queue-backend.js';
import {
  RedisQueueBackend,
  type RedisQueueOptions,
} from '../../src/service-callbacks/queues/redis-queue-backend.js';
import { eventually } from '../support/eventually.js';
import { startForwarder } from '../support/faults/forwarder.js';
import { closedPort } from '../support/receiver/closed-port.js';
import { startRedisServer, type RedisServer, type RedisServerOptions } from '../support/redis-server.js';
import { selfSigned } from '../support/tls/credentials.js';

const describeWithRedis = spawnSync('redis-server', ['--version']).status === 0 ? describe : describe.skip;
const QUEUE = 'citizen';
const TIMEOUT_MS = 60_000;

describeWithRedis('the Redis backend', () => {
  const closers: (() => Promise<unknown>)[] = [];

  afterEach(async () => {
    for (const close of closers.splice(0).toReversed()) await close();
  }, TIMEOUT_MS);

  async function server(options: RedisServerOptions): Promise<RedisServer> {
    const started = await startRedisServer(options);
    closers.push(() => started.stop());
    return started;
  }

  async function directory(): Promise<string> {
    const made = await mkdtemp(join(tmpdir(), 'service-callbacks-citizen-'));
    closers.push(() => rm(made, { recursive: true, force: true }));
    return made;
  }

  /** @returns what its worker has done so far. */
  async function work(options: Pick<RedisQueueOptions, 'connect' | 'prefix'>) {
    const done: string[] = [];
    const backend = new RedisQueueBackend({ ...defaultsOf(queueTiming), ...options });
    closers.push(() => backend.close());
    await backend.open();
    const worker = await backend.createWorker(QUEUE);
    const onError = () => undefined;
    worker.on('error', onError);
    const processor = {
      sizeOf: () => 1,
      process: async (job: AnyJob) => {
        done.push(job.id ?? '');
        return 'complete' as const;
      },
    };
    const loop = new FetchLoop(worker, processor, { permits: 5, lockDurationMs: 30_000, onError });
    closers.push(() => loop.stop());
    loop.start();
    await loop.resume();
    const add = (id: string) => backend.add({ queue: QUEUE, name: 'job', id, data: {}, goesFirst: true });
    return { add, done };
  }

  /** Waits until so many are done. */
  async function settled(done: readonly string[], count: number): Promise<ReadonlySet<string>> {
    await eventually(async () => expect(new Set(done).size).toBe(count), 20_000);
    return new Set(done);
  }

  it('sends all commands of one turn of the event loop in one system call, after a reconnect too', async () => {
    const redis = await server({});
    const client = new Redis(redis.url);
    closers.push(async () => client.disconnect());
    gatherWrites(client);
    for (const connection of ['first', 'second']) {
      await once(client, 'ready');
      const { stream } = client;
      const together: number[] = [];
      const writev = stream._writev?.bind(stream);
      stream._writev = (chunks, callback) => {
        together.push(chunks.length);
        writev?.(chunks, callback);
      };
      await Promise.all(Array.from({ length: 20 }, (_, n) => client.set(`${connection} ${n}`, n)));
      expect(together).toEqual([20]);
      client.disconnect(true);
    }
  });

  it(
    'works over TLS, with a password',
    async () => {
      const files = await directory();
      const [cert, key] = [join(files, 'crt.pem'), join(files, 'key.pem')];
      await Promise.all([writeFile(cert, selfSigned.cert), writeFile(key, selfSigned.key)]);
      const tlsPort = await closedPort();
      await server({
        settings: {
          port: '0',
          'tls-port': String(tlsPort),
          'tls-cert-file': cert,
          'tls-key-file': key,
          'tls-ca-cert-file': cert,
          'tls-auth-clients': 'no',
          requirepass: 'a-password',
        },
      });
      const connect = (own: RedisOptions) =>
        new Redis(`rediss://:a-password@localhost:${tlsPort}`, { ...own, tls: { ca: selfSigned.cert } });
      const { add, done } = await work({ connect });
      await add('first');
      await add('second');
      expect(await settled(done, 2)).toEqual(new Set(['first', 'second']));
    },
    TIMEOUT_MS,
  );

  it(
    'works on a cluster with a password, under a prefix with a hash tag',
    async () => {
      const password = 'a-password';
      const node = await server({
        settings: {
          'cluster-enabled': 'yes',
          'cluster-announce-ip': '127.0.0.1',
          databases: '1',
          requirepass: password,
        },
      });
      const admin = new Redis(node.url, { password });
      await admin.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
      await eventually(async () => expect(await admin.cluster('INFO')).toContain('cluster_state:ok'));
      admin.disconnect();
      const connect = (own: RedisOptions) => new Cluster([node.url], { redisOptions: { ...own, password } });
      const { add, done } = await work({ connect, prefix: '{callbacks}' });
      await add('first');
      await add('second');
      expect(await settled(done, 2)).toEqual(new Set(['first', 'second']));
    },
    TIMEOUT_MS,
  );

  it(
    'follows Sentinel to another primary when the first one dies, by itself',
    async () => {
      const primary = await server({ persistent: true });
      const { port } = new URL(primary.url);
      await server({ persistent: true, settings: { replicaof: `127.0.0.1 ${port}` } });
      const sentinel = await server({
        sentinelOf: { name: 'callbacks', port: Number(port), downAfterMs: 500 },
      });
      const { hostname: host, port: sentinelPort } = new URL(sentinel.url);
      const inspector = new Redis(sentinel.url);
      closers.push(async () => inspector.disconnect());
      await eventually(async () => {
        expect(await inspector.call('SENTINEL', 'REPLICAS', 'callbacks')).toHaveLength(1);
      }, 20_000);
      const connect = (own: RedisOptions) =>
        new Redis({ ...own, sentinels: [{ host, port: Number(sentinelPort) }], name: 'callbacks' });
      const { add, done } = await work({ connect });
      await add('before');
      await settled(done, 1);
      await primary.kill('SIGKILL');
      await eventually(() => add('after'), 30_000);
      expect(await settled(done, 2)).toEqual(new Set(['before', 'after']));
    },
    TIMEOUT_MS,
  );

  it(
    'follows an address to another primary when the first becomes a replica',
    async () => {
      const [first, second] = [await server({ persistent: true }), await server({ persistent: true })];
      const [firstPort, secondPort] = [new URL(first.url).port, new URL(second.url).port];
      const admins = [new Redis(first.url), new Redis(second.url)] as const;
      closers.push(async () => admins.forEach((admin) => admin.disconnect()));
      const line = await startForwarder(Number(firstPort));
      closers.push(() => line.down());
      const connect = (own: RedisOptions) => new Redis(`redis://127.0.0.1:${line.port}`, own);
      const { add, done } = await work({ connect });
      await add('before');
      await settled(done, 1);
      await line.up(Number(secondPort));
      await admins[0].replicaof('127.0.0.1', Number(secondPort));
      await eventually(() => add('after'), 20_000);
      expect(await settled(done, 2)).toEqual(new Set(['before', 'after']));
    },
    TIMEOUT_MS,
  );
});
