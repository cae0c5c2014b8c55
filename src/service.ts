import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { Logger } from 'nestjs-pino';
import { AppModule, type ServiceEnv, type ServiceSeams } from './app.module.js';
import type { Env } from './config/env.js';
import { startEmbeddedPostgres, type EmbeddedPostgres } from './database/embedded-postgres.js';
import { securityHeaders } from './http/security-headers.js';
import { assertDatabaseIsCurrent, migrateDatabase } from './database/migrate-database.js';

/** Largest request body, bytes; the largest the API knows is a tenth of it. */
const BODY_LIMIT = 64 * 1024;

export interface RunningService {
  readonly app: NestExpressApplication;
  readonly url: string;
  /** Takes no more, lets what is in flight finish, closes. */
  stop(): Promise<void>;
}

/** Database first, schema second, then the application; what was started is stopped where a later step fails. */
export async function startService(env: Env, seams: ServiceSeams = {}): Promise<RunningService> {
  const embedded =
    env.DATABASE_URL === undefined ? await startEmbeddedPostgres({ dataDir: env.DATA_DIR }) : undefined;
  try {
    const serviceEnv: ServiceEnv = { ...env, DATABASE_URL: env.DATABASE_URL ?? urlOf(embedded) };
    if (env.MIGRATE_ON_START) await migrateDatabase(serviceEnv.DATABASE_URL);
    else await assertDatabaseIsCurrent(serviceEnv.DATABASE_URL);
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
  const app = await NestFactory.create<NestExpressApplication>(AppModule.forRoot(env, seams), {
    bufferLogs: true,
    abortOnError: false,
    bodyParser: false,
  });
  try {
    const logger = app.get(Logger);
    app.useLogger(logger);
    app.disable('x-powered-by');
    app.use(securityHeaders());
    app.useBodyParser('json', { limit: BODY_LIMIT });
    if (env.PROCESS_ROLE !== 'worker') mountDocs(app);
    await app.listen(env.PORT, env.HOST);
    const url = urlOfServer(app, env.HOST);
    logger.log({ event: 'service.listening', url, role: env.PROCESS_ROLE, msg: `Listening on ${url}` });
    return {
      app,
      url,
      stop: async () => {
        await app.close();
        await embedded?.stop();
      },
    };
  } catch (error) {
    await app.close();
    throw error;
  }
}

function mountDocs(app: NestExpressApplication): void {
  const config = new DocumentBuilder()
    .setTitle('Service Callbacks')
    .setDescription('Tells a service’s own server what became of its messages.')
    .setVersion('1')
    .addBearerAuth()
    .build();
  SwaggerModule.setup('docs', app, () => SwaggerModule.createDocument(app, config), {
    jsonDocumentUrl: 'docs-json',
  });
}

function urlOfServer(app: NestExpressApplication, host: string): string {
  const address = app.getHttpServer().address() as { port: number };
  return `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`;
}

function urlOf(embedded: EmbeddedPostgres | undefined): string {
  if (!embedded) throw new Error('DATABASE_URL is not set and the embedded database was not started');
  return embedded.url;
}
