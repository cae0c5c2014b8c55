import type { Provider } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { serviceCallbackEntities } from '../entities.js';
import {
  SERVICE_CALLBACKS_OPTIONS,
  type QueueOptions,
  type ServiceCallbacksOptions,
} from '../service-callbacks.options.js';
import { CALLBACKS_DATA_SOURCE } from '../tokens.js';
import { callbackSchema } from './callback-schema.js';
import { queueConnectionOf } from './database-connection.js';
import { databaseFaults } from './database-faults.js';
import { assertNoFaults } from '../setup-error.js';
import { queueFaults } from './queue-faults.js';

const MIGRATE_QUEUE =
  'run `npx service-callbacks migrate`, call `migrateServiceCallbacks(dataSource, { queue })`, or start with the option ' +
  '`queue.migrate: true` (MIGRATE_ON_START=true)';

/**
 * The host's `DataSource`, after a check of everything that the module needs of the host. The module's providers wait
 * for it.
 * @param name the name of the `DataSource`, if it is not the default one
 */
export function checkedDataSource(name?: string): Provider {
  return {
    provide: CALLBACKS_DATA_SOURCE,
    inject: [
      ModulesContainer,
      SERVICE_CALLBACKS_OPTIONS,
      { token: getDataSourceToken(name), optional: true },
    ],
    useFactory: async (
      modules: ModulesContainer,
      { queue }: ServiceCallbacksOptions,
      dataSource: DataSource | undefined,
    ): Promise<DataSource | undefined> => {
      assertNoFaults([
        ...moduleFaults(modules),
        ...(dataSource ? await dataSourceFaults(dataSource, queue) : [noDataSource(name)]),
      ]);
      return dataSource;
    },
  };
}

function moduleFaults(modules: ModulesContainer): string[] {
  const ours = [...modules.values()].filter(({ providers }) => providers.has(CALLBACKS_DATA_SOURCE));
  if (ours.length === 1) return [];
  return [
    'ServiceCallbacksModule.forRoot is called more than once in this application: call it in one module, and set ' +
      '`isGlobal: true` or import that module where callbacks are sent',
  ];
}

function noDataSource(name: string | undefined): string {
  const which = name === undefined ? 'no DataSource' : `no DataSource of the name "${name}"`;
  return (
    `The application has ${which}: import TypeOrmModule.forRoot, or name the one to use with the \`dataSource\` option of ` +
    'ServiceCallbacksModule.forRoot'
  );
}

async function dataSourceFaults(dataSource: DataSource, queue: QueueOptions): Promise<string[]> {
  if (dataSource.options.type !== 'postgres')
    return [
      `The DataSource is of type ${dataSource.options.type}, service callbacks need PostgreSQL: name another one with the ` +
        '`dataSource` option of ServiceCallbacksModule.forRoot',
    ];
  if (!dataSource.isInitialized)
    return ['The DataSource is not connected: initialize() it before the application starts'];
  const unlisted = serviceCallbackEntities.filter((entity) => !dataSource.hasMetadata(entity));
  return [
    ...(unlisted.length > 0
      ? [
          `The DataSource does not know ${unlisted.map((entity) => entity.name).join(', ')}: list ` +
            '`...serviceCallbackEntities` in its `entities`, or name another DataSource with the `dataSource` option of ' +
            'ServiceCallbacksModule.forRoot',
        ]
      : []),
    ...(await databaseFaults(dataSource, callbackSchema)),
    ...(queue.backend === 'postgres'
      ? await queueFaults(queueConnectionOf(queue, dataSource), {
          migrates: queue.migrate ?? true,
          remedy: MIGRATE_QUEUE,
          setting: 'the option `queue.url` (QUEUE_DATABASE_URL)',
        })
      : []),
  ];
}
