#!/usr/bin/env node
import { keysRotateCommand } from './cli/keys-rotate.command.js';
import { databaseEnv, noDatabaseUrl, type Project } from './cli/project.js';
import { runCli } from './cli/run-cli.js';
import { migrateCommand, statusCommand } from './cli/schema.commands.js';
import { callbackSchema } from './service-callbacks/setup/callback-schema.js';

/** `npx service-callbacks` in a host. */
const host: Project = {
  schema: callbackSchema,
  withDatabases: async (use) => {
    const { url, databases } = databaseEnv(process.env);
    if (url === undefined) throw noDatabaseUrl();
    return use(databases(url));
  },
};

void runCli(
  {
    commands: [migrateCommand(host), statusCommand(host), keysRotateCommand(host)],
    note: 'The database is that of DATABASE_URL. Only the service has API tokens: its image has "token".',
  },
  process.argv.slice(2),
).then((code) => {
  process.exitCode = code;
});
