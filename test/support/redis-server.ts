import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface RedisServer {
  readonly url: string;
  readonly pid: number;
  /** Ends it, as `SHUTDOWN` or as `SIGKILL` would; its files stay. */
  kill(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Starts it again on the same port, with its data on disk. */
  start(): Promise<void>;
  /** Ends it and removes its files. */
  stop(): Promise<void>;
}

export interface RedisServerOptions {
  /** Keep an append-only file, written at each command. Default: nothing on disk. */
  readonly persistent?: boolean;
  readonly settings?: Readonly<Record<string, string>>;
  /** Be a Sentinel, the only one, of the primary at this port. */
  readonly sentinelOf?: { readonly name: string; readonly port: number; readonly downAfterMs: number };
}

/** A real redis-server of a test's own, on loopback. */
export async function startRedisServer(options: RedisServerOptions = {}): Promise<RedisServer> {
  const directory = await mkdtemp(join(tmpdir(), 'service-callbacks-redis-'));
  const port = await freePort();
  let child = await launch(directory, port, options);
  const kill = async (signal: 'SIGTERM' | 'SIGKILL') => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    get pid() {
      return child.pid ?? 0;
    },
    kill,
    start: async () => {
      child = await launch(directory, port, options);
    },
    stop: async () => {
      await kill('SIGKILL');
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function launch(directory: string, port: number, options: RedisServerOptions): Promise<ChildProcess> {
  const settings: Record<string, string> = {
    port: String(port),
    bind: '127.0.0.1',
    dir: directory,
    save: '',
    appendonly: options.persistent ? 'yes' : 'no',
    appendfsync: 'always',
    databases: '10000',
    ...options.settings,
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  const args = options.sentinelOf ? await sentinel(directory, port, options.sentinelOf) : flags;
  const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise<void>((resolve, reject) => {
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (/Ready to accept connections|\+monitor/.test(output)) resolve();
    });
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`redis-server ended with code ${code}: ${output}`)));
  });
  return child;
}

/** A Sentinel takes its configuration from a file alone, and writes it. */
async function sentinel(
  directory: string,
  port: number,
  { name, port: primary, downAfterMs }: NonNullable<RedisServerOptions['sentinelOf']>,
): Promise<string[]> {
  const file = join(directory, 'sentinel.conf');
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${directory}`,
    `sentinel monitor ${name} 127.0.0.1 ${primary} 1`,
    `sentinel down-after-milliseconds ${name} ${downAfterMs}`,
    `sentinel failover-timeout ${name} 5000`,
  ];
  await writeFile(file, `${lines.join('\n')}\n`);
  return [file, '--sentinel'];
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}
