import { DataSource } from 'typeorm';
import { loadEnv } from './src/config/env.js';
import { dataSourceOptions } from './src/database/data-source-options.js';
import { serviceMigrations } from './src/database/service-migrations.js';
import { serviceEntities } from './src/service-entities.js';

const env = loadEnv(process.env);
const url = env.DATABASE_DIRECT_URL ?? env.DATABASE_URL;
if (url === undefined)
  throw new Error(
    'DATABASE_URL is not set: the TypeORM CLI needs a PostgreSQL, such as postgres://user:password@host:5432/database ' +
      '(the embedded one runs only as long as the service; `npm run migration:run` migrates it).',
  );

/** For the TypeORM CLI: `npm run typeorm -- migration:show`. */
export default new DataSource(
  dataSourceOptions({
    url,
    poolSize: env.DATABASE_POOL_SIZE,
    entities: [...serviceEntities],
    migrations: [...serviceMigrations],
  }),
);
