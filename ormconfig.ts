import { DataSource } from 'typeorm';
import { loadEnv } from './src/config/env.js';
import { dataSourceOptions } from './src/database/data-source-options.js';
import { serviceEntities } from './src/service-entities.js';

const env = loadEnv(process.env);

/** For the TypeORM CLI: `npm run typeorm -- migration:show`. */
export default new DataSource(
  dataSourceOptions({
    url: env.DATABASE_URL ?? '',
    poolSize: env.DATABASE_POOL_SIZE,
    entities: [...serviceEntities],
  }),
);
