import { dataSourceOptions } from '../database/data-source-options.js';
import { withDataSource } from '../database/open-data-source.js';
import { databaseFaults } from '../service-callbacks/setup/database-faults.js';
import { migrate } from '../service-callbacks/setup/migrate.js';
import { queueFaults } from '../service-callbacks/setup/queue-faults.js';
import type { Command } from './command.js';
import type { Project } from './project.js';

const MIGRATIONS_TABLE = 'migrations-table';
const options = {
  [MIGRATIONS_TABLE]: {
    value: 'name',
    description: "the table of the migrations that ran: TypeORM's migrationsTableName (default: migrations)",
  },
};

export function migrateCommand({ schema, withDatabases }: Project): Command {
  return {
    name: 'migrate',
    description: 'Brings the tables, and the schema of queues on PostgreSQL, up to date.',
    options,
    run: (input) =>
      withDatabases(async ({ url, queueUrl }) => {
        const ran = await migrate(
          dataSourceOptions({ url, poolSize: 1, migrationsTableName: input.option(MIGRATIONS_TABLE) }),
          [...schema.migrations],
          queueUrl === undefined ? undefined : { connectionString: queueUrl },
        );
        for (const name of ran) console.log(`Ran ${name}`);
        console.log(
          queueUrl === undefined
            ? 'The tables are up to date; the queues are on Redis.'
            : 'The tables and the schema of the queues are up to date.',
        );
        return 0;
      }),
  };
}

export function statusCommand({ schema, withDatabases }: Project): Command {
  return {
    name: 'status',
    description: 'Checks that the database is up to date and open to its user; exits with 1 if it is not.',
    options,
    run: (input) =>
      withDatabases(async ({ url, queueUrl }) => {
        const { remedy } = schema;
        const faults = await withDataSource(
          { url, poolSize: 1, migrationsTableName: input.option(MIGRATIONS_TABLE) },
          (dataSource) => databaseFaults(dataSource, schema),
        );
        if (queueUrl !== undefined)
          faults.push(...(await queueFaults({ connectionString: queueUrl }, { migrates: false, remedy })));
        for (const fault of faults) console.log(fault);
        if (faults.length === 0) console.log('The database is up to date, and open to this user.');
        return faults.length === 0 ? 0 : 1;
      }),
  };
}
