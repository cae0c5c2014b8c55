import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { AppModule, type ServiceSeams } from './app.module.js';
import type { Env } from './config/variables.js';
import { startEmbeddedPostgres, type EmbeddedPostgres } from './embedded-postgres/embedded-postgres.js';
import { BoundedAdapter } from './http/bounded-adapter.js';
import { apiDocs } from './api-docs/api-docs.js';
import { securityHeaders } from './http/security-headers.js';
import { ServiceLogger } from './observability/service-logger.js';
import { openDataSource } from './database/open-data-source.js';
import { serviceEntities } from './service-entities.js';
import { EndpointGate } from './service-callbacks/isolation/endpoint-gate.js';
import { assertDatabases, listenError } from './start-errors.js';
import { assertDatabaseIsCurrent, migrateDatabase } from './migrate-database.js';
import { version } from './version.js';

/** An environment with a database: the embedded one's URL if none was set. */
type ServiceEnv = Env & { readonly DATABASE_URL: string };

/** The largest request body, bytes: ten times the largest of the API. */
const BODY_LIMIT = 64 * 1024;

export interface RunningService {
  readonly app: NestExpressApplication;
  readonly url: string;
  /**
   * Accepts no more requests, finishes those in flight, and closes.
   * @param why for the log, for example the signal
   */
  stop(why?: string): Promise<void>;
}

/** Starts the database, then the schema, then the application. If a step fails, the earlier parts are stopped. */
export async function startService(env: Env, seams: ServiceSeams = {}): Promise<RunningService> {
  const embedded =
    env.DATABASE_URL === undefined ? await startEmbeddedPostgres({ dataDir: env.DATA_DIR }) : undefined;
  try {
    const serviceEnv: ServiceEnv = { ...env, DATABASE_URL: env.DATABASE_URL ?? urlOf(embedded) };
    const directUrl = env.DATABASE_DIRECT_URL ?? serviceEnv.DATABASE_URL;
    await assertDatabases(env);
    if (env.MIGRATE_ON_START) await migrateDatabase(directUrl, env.QUEUE_DATABASE_URL);
    else
      await assertDatabaseIsCurrent(
        directUrl,
        env.QUEUE_BACKEND === 'postgres' ? (env.QUEUE_DATABASE_URL ?? directUrl) : undefined,
      );
    return await listen(serviceEnv, seams, embedded);
  } catch (error) {
    await embedded?.stop();
    throw error;
  }
}

async function listen(
  env: ServiceEnv,
  seams: ServiceSeams,
  embedded?: EmbeddedPostgres,
): Promise<RunningService> {
  const app = await createApplication(env, seams);
  try {
    const logger = app.get(ServiceLogger);
    app.useLogger(logger);
    app.disable('x-powered-by');
    app.set('trust proxy', [...env.TRUSTED_PROXIES]);
    app.use(securityHeaders());
    app.useBodyParser('json', { limit: BODY_LIMIT });
    if (env.PROCESS_ROLE !== 'worker') app.use(apiDocs(app));
    await app.listen(env.PORT, env.HOST).catch((error: unknown) => {
      throw listenError(error, env);
    });
    const url = urlOfServer(app, env.HOST);
    logger.log(listening(env, url));
    return {
      app,
      url,
      stop: async (why = 'stopped by its host') => {
        const began = performance.now();
        const inFlight = env.PROCESS_ROLE === 'api' ? 0 : attemptsInFlight(app);
        const msg = `Stopping (${why}): ${inFlight} attempts in flight are waited for`;
        logger.log({ event: 'service.stopping', why, in_flight: inFlight, msg });
        await app.close();
        await embedded?.stop();
        const durationMs = Math.round(performance.now() - began);
        logger.log({
          event: 'service.stopped',
          duration_ms: durationMs,
          msg: `Stopped after ${durationMs} ms`,
        });
      },
    };
  } catch (error) {
    await app.close();
    throw error;
  }
}

/** What this process is, and its address. A worker serves no pages. */
function listening({ PROCESS_ROLE: role, CONSOLE: hasConsole }: ServiceEnv, url: string) {
  const pages = {
    ...(role !== 'worker' && hasConsole && { console: `${url}/console` }),
    ...(role !== 'worker' && { docs: `${url}/docs` }),
  };
  const places = Object.entries(pages).map(([name, address]) => `; ${name}: ${address}`);
  const msg = `Service Callbacks ${version} listens on ${url}${places.join('')}`;
  return { event: 'service.listening', url, role, version, ...pages, msg };
}

/** The `DataSource` is made here and not by Nest: if Nest fails, it returns nothing that could be closed. */
async function createApplication(env: ServiceEnv, seams: ServiceSeams): Promise<NestExpressApplication> {
  const dataSource = await openDataSource({
    url: env.DATABASE_URL,
    poolSize: env.DATABASE_POOL_SIZE,
    entities: [...serviceEntities],
  });
  try {
    const module = AppModule.forRoot(env, dataSource, seams);
    return await NestFactory.create<NestExpressApplication>(module, new BoundedAdapter(), {
      bufferLogs: true,
      abortOnError: false,
      bodyParser: false,
    });
  } catch (error) {
    await dataSource.destroy();
    throw error;
  }
}

function attemptsInFlight(app: NestExpressApplication): number {
  const gate = app.get(EndpointGate);
  return gate.inUse('first') + gate.inUse('retry');
}

function urlOfServer(app: NestExpressApplication, host: string): string {
  const address = app.getHttpServer().address() as { port: number };
  return `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`;
}

function urlOf(embedded: EmbeddedPostgres | undefined): string {
  if (!embedded) throw new Error('DATABASE_URL is not set and the embedded database was not started');
  return embedded.url;
}
