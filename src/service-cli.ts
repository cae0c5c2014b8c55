#!/usr/bin/env node
import { apiTokenCommands } from './cli/api-token.commands.js';
import { keysRotateCommand } from './cli/keys-rotate.command.js';
import { databaseEnv, noDatabaseUrl, type Project } from './cli/project.js';
import { runCli } from './cli/run-cli.js';
import { migrateCommand, statusCommand } from './cli/schema.commands.js';
import { startEmbeddedPostgres } from './embedded-postgres/embedded-postgres.js';
import { serviceSchema } from './migrate-database.js';

/** `npx service-callbacks` in the image; `npm run migration:run`, `keys:rotate` and `api-token`. */
const service: Project = {
  schema: serviceSchema,
  withDatabases: async (use) => {
    const { url, dataDir, databases } = databaseEnv(process.env);
    if (url !== undefined) return use(databases(url));
    if (!['development', 'test'].includes(process.env['NODE_ENV'] ?? 'development')) throw noDatabaseUrl();
    const embedded = await startEmbeddedPostgres({ dataDir });
    try {
      return await use(databases(embedded.url));
    } finally {
      await embedded.stop();
    }
  },
};

const commands = [
  migrateCommand(service),
  statusCommand(service),
  keysRotateCommand(service),
  ...apiTokenCommands(service),
];
const note = 'The database is the one of DATABASE_URL, outside production by default the embedded one.';
process.exitCode = await runCli({ commands, note }, process.argv.slice(2));
