import { execFile, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { checkPackage, createPackageFromTarballData, type Analysis } from '@arethetypeswrong/core';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { publint } from 'publint';
import * as publicFace from '../../src/index.js';
import * as reportingFace from '../../src/reporting.js';
import * as receiverFace from '../../src/receiver/receiver.js';
import * as testingFace from '../../src/testing/testing.js';
import { createEmptyDatabase } from '../support/database.js';
import { CHECKOUT, packPackage } from '../support/pack-package.js';
import { startReceiver } from '../support/receiver.js';

const run = promisify(execFile);

/** What the module loads beside its peers. Every addition is one more package for every host. */
const OWN_DEPENDENCIES = [
  '@nestjs/axios',
  '@opentelemetry/api',
  'axios',
  'bullmq',
  'ioredis',
  'ipaddr.js',
  'prom-client',
  'undici',
  'uuid',
  'zod',
];

/** What the console also loads, in a host that imports it. */
const CONSOLE_DEPENDENCIES = ['cookie', 'htmx.org', 'preact', 'preact-render-to-string'];

/** What must be the host's own copy: a second one would have other tokens, entities or metadata. */
const PEERS = [
  '@nestjs/bullmq',
  '@nestjs/common',
  '@nestjs/config',
  '@nestjs/core',
  '@nestjs/typeorm',
  'pg',
  'reflect-metadata',
  'rxjs',
  'typeorm',
];

/** The exports of the root. Readers, console, configuration, receivers and tests have entry points of their own. */
const PUBLIC_FACE = [
  'CALLBACK_HTTP_SERVICE',
  'CALLBACK_QUEUES',
  'CallbackApiExistsError',
  'CallbackApiNotFoundError',
  'CallbackApisService',
  'CallbackMetrics',
  'EndpointSwitch',
  'ForeignDatabaseError',
  'InvalidCallbackApiError',
  'InvalidEnvironmentError',
  'InvalidOptionsError',
  'NotificationSource',
  'OnCallback',
  'ServiceCallbacksHealth',
  'ServiceCallbacksModule',
  'ServiceCallbacksProducer',
  'SetupError',
  'TestCallback',
  'TooManyTestsError',
  'UnknownCallbackTypeError',
  'defineCallbackType',
  'keysInUse',
  'migrateServiceCallbacks',
  'optionsFromEnv',
  'rotateKeys',
  'serviceCallbackEntities',
  'serviceCallbackMigrations',
];

/** The example host's own packages. */
const HOST_DEPENDENCIES = ['@nestjs/platform-express', '@types/node'];

interface Manifest {
  readonly private?: boolean;
  readonly bin: Readonly<Record<string, string>>;
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
}

describe('the package', () => {
  let directory: string;
  /** A project with the package and no more of this checkout than the packages it depends on. */
  let host: string;
  let installed: string;
  let tarball: string;
  /** The compiler's messages about the host. */
  let complaints: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'service-callbacks-package-'));
    host = join(directory, 'host');
    installed = join(host, 'node_modules', 'service-callbacks');
    tarball = await packPackage(directory);
    await unpack(tarball, installed);
    await Promise.all(
      [...OWN_DEPENDENCIES, ...CONSOLE_DEPENDENCIES, ...PEERS, ...HOST_DEPENDENCIES].map((name) =>
        link(name, host),
      ),
    );
    await writeHost(host);
    complaints = await compile(host);
  }, 180_000);

  afterAll(() => rm(directory, { recursive: true, force: true }));

  it('holds the built module, and nothing of its tests, its sources or the service', async () => {
    const files = await readdir(installed, { recursive: true, withFileTypes: true });
    const paths = files
      .filter((file) => file.isFile())
      .map((file) => relative(installed, join(file.parentPath, file.name)));
    expect(paths).toContain('dist/esm/index.js');
    expect(paths).toContain('dist/cjs/index.js');
    const wanted =
      /^(package\.json|[A-Z]+(\.md)?|dist\/cjs\/package\.json|dist\/(esm|cjs)\/(.+\.(js|d\.ts)|console\/assets\/.+\.(css|svg)))$/;
    expect(paths.filter((path) => !wanted.test(path))).toEqual([]);
    const unwanted =
      /\.spec\.|^dist\/\w+\/(notifications|observability(?!\/describe-error)|database\/embedded|main|service|app\.module)\b(?!-)/;
    expect(paths.filter((path) => unwanted.test(path))).toEqual([]);
  });

  it('explains itself in an editor without numbers of requirements or decisions', async () => {
    const types = join(installed, 'dist/esm');
    const files = (await readdir(types, { recursive: true })).filter((path) => path.endsWith('.d.ts'));
    expect(files.length).toBeGreaterThan(100);
    const texts = await Promise.all(files.map((path) => readFile(join(types, path), 'utf8')));
    expect(texts.join('\n').match(/^.*\b(R\d+|ADR)\b.*$/gm)).toBeNull();
  });

  it("depends only on what it loads, with peer dependencies for what must be the host's own copy", async () => {
    const manifest = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8')) as Manifest;
    expect(Object.keys(manifest.peerDependencies)).toEqual(PEERS);
    expect(Object.keys(manifest.dependencies)).toEqual(
      [...OWN_DEPENDENCIES, ...CONSOLE_DEPENDENCIES].toSorted(),
    );
  });

  it('can be published, and runs no script where it is installed', async () => {
    const manifest = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8')) as Manifest;
    expect(manifest.private).toBeUndefined();
    const onInstall = ['preinstall', 'install', 'postinstall', 'prepare', 'prepublish'];
    expect(Object.keys(manifest.scripts).filter((name) => onInstall.includes(name))).toEqual([]);
  });

  it('has an entry for each way in which hosts find modules and types', async () => {
    const { messages } = await publint({ pkgDir: installed, pack: false, strict: true });
    expect(messages).toEqual([]);
    const { problems } = (await checkPackage(
      createPackageFromTarballData(await readFile(tarball)),
    )) as Analysis;
    expect(problems).toEqual([]);
  });

  it('is one copy in a process that imports and requires it', async () => {
    const { stdout } = await run(process.execPath, ['copies.mjs'], { cwd: host });
    expect(JSON.parse(stdout)).toEqual({
      '.': true,
      './console': true,
      './receiver': true,
      './reporting': true,
      './testing': true,
    });
  });

  it('exports the same to a loader that cannot require() ES modules', async () => {
    const { stdout } = await run(process.execPath, ['exports.mjs', join(installed, 'dist/cjs/index.js')], {
      cwd: host,
    });
    const { exports } = JSON.parse(stdout) as { exports: string[] };
    const expected = [...Object.keys(publicFace), '__esModule', 'default', 'module.exports'];
    expect(exports.toSorted()).toEqual(expected.toSorted());
  });

  it('exports its public face to plain ESM, and loads nothing that only the service needs', async () => {
    const { stdout } = await run(process.execPath, ['exports.mjs'], { cwd: host });
    const { exports, loaded } = JSON.parse(stdout) as { exports: string[]; loaded: string[] };
    expect(exports.toSorted()).toEqual(PUBLIC_FACE);
    expect(loaded.filter((name) => !PEERS.includes(name)).toSorted()).toEqual(OWN_DEPENDENCIES);
    expect(loaded).not.toContain('@nestjs/config');
  });

  it('has a console for hosts', async () => {
    const { stdout } = await run(process.execPath, ['exports.mjs', 'service-callbacks/console'], {
      cwd: host,
    });
    const { exports, loaded } = JSON.parse(stdout) as { exports: string[]; loaded: string[] };
    expect(exports.toSorted()).toEqual(['API_SCOPES', 'ConsoleAccess', 'ConsoleModule', 'SubjectLookup']);
    // The package itself, whose version comes from its manifest.
    const known = new Set(['service-callbacks', ...OWN_DEPENDENCIES, ...PEERS]);
    expect(loaded.filter((name) => !known.has(name)).toSorted()).toEqual(CONSOLE_DEPENDENCIES);
  });

  it('has its options for a ConfigModule', async () => {
    const { stdout } = await run(process.execPath, ['exports.mjs', 'service-callbacks/config'], {
      cwd: host,
    });
    const { exports, loaded } = JSON.parse(stdout) as { exports: string[]; loaded: string[] };
    expect(exports).toEqual(['serviceCallbacksConfig']);
    expect(loaded).toContain('@nestjs/config');
  });

  it('has readers for hosts that show callbacks', async () => {
    const { stdout } = await run(process.execPath, ['exports.mjs', 'service-callbacks/reporting'], {
      cwd: host,
    });
    const { exports } = JSON.parse(stdout) as { exports: string[] };
    expect(exports.toSorted()).toEqual(Object.keys(reportingFace).toSorted());
  });

  it('has a kit for receivers, which loads nothing that only senders need', async () => {
    const { stdout } = await run(process.execPath, ['exports.mjs', 'service-callbacks/receiver'], {
      cwd: host,
    });
    const { exports, loaded } = JSON.parse(stdout) as { exports: string[]; loaded: string[] };
    expect(exports.toSorted()).toEqual(Object.keys(receiverFace).toSorted());
    expect(loaded.toSorted()).toEqual(['@nestjs/common', 'typeorm']);
  });

  it('has a kit for tests, which needs no test runner', async () => {
    const { stdout } = await run(process.execPath, ['exports.mjs', 'service-callbacks/testing'], {
      cwd: host,
    });
    const { exports, loaded } = JSON.parse(stdout) as { exports: string[]; loaded: string[] };
    expect(exports.toSorted()).toEqual(Object.keys(testingFace).toSorted());
    expect(loaded.filter((name) => !PEERS.includes(name)).toSorted()).toEqual(OWN_DEPENDENCIES);
  });

  it("has types that the example host's sources pass with", () => {
    expect(complaints).toBe('');
  });

  it('works in production in the compiled host, after its migrate command, and ends after a close', async () => {
    const database = await createEmptyDatabase();
    const receiver = await startReceiver();
    const environment = {
      PATH: process.env['PATH'],
      NODE_ENV: 'production',
      DATABASE_URL: database.url,
      CALLBACK_ENCRYPTION_KEYS: `host:${Buffer.alloc(32, 1).toString('base64')}`,
      CALLBACK_ALLOW_HTTP: 'true',
      CALLBACK_ALLOWED_NETWORKS: '127.0.0.0/8',
    };
    const manifest = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8')) as Manifest;
    const command = async (...words: string[]): Promise<string> => {
      const program = join(installed, manifest.bin['service-callbacks'] ?? '');
      return (await run(process.execPath, [program, ...words], { cwd: host, env: environment })).stdout;
    };
    expect(await command('--help')).toMatch(/migrate .*\n.*status .*\n.*keys rotate /);
    await expect(command('status')).rejects.toMatchObject({
      code: 1,
      stdout: expect.stringContaining('npx service-callbacks migrate'),
    });
    expect(await command('migrate')).toContain('up to date');
    expect(await command('status')).toBe('The database is up to date, and open to this user.\n');
    expect(await command('keys', 'rotate', '--check')).toContain('Nothing stored is under another key');

    const child = fork('host.mjs', [receiver.url('/orders'), randomUUID()], {
      cwd: host,
      execArgv: [],
      env: environment,
    });
    try {
      const ended = once(child, 'exit');
      // Ends the wait if the host cannot start.
      const [request] = await Promise.race([
        receiver.waitForRequests(1, { path: '/orders', timeoutMs: 60_000 }),
        ended.then(([code]) => Promise.reject(new Error(`The host ended with code ${String(code)}`))),
      ]);
      expect(request?.body).toContain('"tracking_number":"AB-1"');
      child.send('close');
      expect(await ended).toEqual([0, null]);
    } finally {
      child.kill('SIGKILL');
      await receiver.close();
      await database.drop();
    }
  }, 90_000);
});

async function unpack(tarball: string, into: string): Promise<void> {
  await mkdir(into, { recursive: true });
  await run('tar', ['-xzf', tarball, '--strip-components=1', '-C', into]);
}

async function link(name: string, project: string): Promise<void> {
  const path = join(project, 'node_modules', name);
  await mkdir(dirname(path), { recursive: true });
  await symlink(join(CHECKOUT, 'node_modules', name), path);
}

/** The example host's sources, and two scripts to run in its place. */
async function writeHost(project: string): Promise<void> {
  await cp(join(CHECKOUT, 'examples/host-app'), join(project, 'src'), {
    recursive: true,
    filter: (source) => !source.endsWith('.spec.ts'),
  });
  const compilerOptions = {
    target: 'ES2024',
    module: 'NodeNext',
    types: ['node'],
    strict: true,
    noPropertyAccessFromIndexSignature: true,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    skipLibCheck: true,
    rootDir: 'src',
    outDir: 'dist',
  };
  const files = {
    'package.json': JSON.stringify({ name: 'host', private: true, type: 'module' }),
    'tsconfig.json': JSON.stringify({ compilerOptions, include: ['src'] }),
    'exports.mjs': EXPORTS_SCRIPT,
    'copies.mjs': COPIES_SCRIPT,
    'host.mjs': HOST_SCRIPT,
  };
  await Promise.all(Object.entries(files).map(([name, text]) => writeFile(join(project, name), text)));
}

/** The messages of the compiler; empty if it has none. */
async function compile(project: string): Promise<string> {
  const compiler = join(CHECKOUT, 'node_modules/typescript/bin/tsc');
  try {
    return (await run(process.execPath, [compiler, '-p', project])).stdout;
  } catch (error) {
    return (error as { readonly stdout: string }).stdout;
  }
}

/** Prints what an entry point exports, and which packages its files load. */
const EXPORTS_SCRIPT = `
import { registerHooks } from 'node:module';

const loaded = new Set();
registerHooks({
  resolve(specifier, context, next) {
    const fromPackage = context.parentURL?.includes('/node_modules/service-callbacks/');
    const [package_] = /^(@[^/]+\\/)?[^./][^/]*/.exec(specifier) ?? [];
    if (fromPackage && package_ && !specifier.startsWith('node:')) loaded.add(package_);
    return next(specifier, context);
  },
});
const exports = Object.keys(await import(process.argv[2] ?? 'service-callbacks'));
console.log(JSON.stringify({ exports, loaded: [...loaded] }));
`;

/** Prints of each entry point whether `import` and `require()` load the same classes. */
const COPIES_SCRIPT = `
import { createRequire } from 'node:module';
import * as imported from 'service-callbacks';
import * as importedConsole from 'service-callbacks/console';
import * as importedReceiver from 'service-callbacks/receiver';
import * as importedReporting from 'service-callbacks/reporting';
import * as importedTesting from 'service-callbacks/testing';

const require = createRequire(import.meta.url);
console.log(
  JSON.stringify({
    '.': require('service-callbacks').ServiceCallbacksModule === imported.ServiceCallbacksModule,
    './console': require('service-callbacks/console').ConsoleModule === importedConsole.ConsoleModule,
    './receiver': require('service-callbacks/receiver').verifyCallback === importedReceiver.verifyCallback,
    './reporting': require('service-callbacks/reporting').OverviewReader === importedReporting.OverviewReader,
    './testing': require('service-callbacks/testing').SentCallbacks === importedTesting.SentCallbacks,
  }),
);
`;

/** Runs the host's work once, and closes on request. */
const HOST_SCRIPT = `
import { NestFactory } from '@nestjs/core';
import { CallbackApisService } from 'service-callbacks';
import { AppModule } from './dist/app.module.js';
import { OrdersService } from './dist/orders/orders.service.js';

const [url, sellerId] = process.argv.slice(2);
const app = await NestFactory.createApplicationContext(AppModule.forRoot(process.env), { logger: ['error'] });
process.once('message', () => app.close());
await app.get(CallbackApisService).create({
  serviceId: sellerId,
  callbackType: 'order_dispatched',
  url,
  bearerToken: 'a-token-of-the-seller',
});
const orders = app.get(OrdersService);
const { id } = await orders.place(sellerId);
await orders.dispatch(id, 'AB-1');
`;
