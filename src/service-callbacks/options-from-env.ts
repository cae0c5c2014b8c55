import { Logger } from '@nestjs/common';
import { developmentKeys } from '../config/development-keys.js';
import { loadModuleEnv, unknownVariables, type EnvSource } from '../config/env.js';
import type { Settings, Values } from '../config/setting.js';
import { queues, sections } from '../config/settings.js';
import type { Env, VariableName } from '../config/variables.js';
import { readExtraCa } from './security/extra-ca.js';
import type { QueueOptions, ServiceCallbacksOptions } from './service-callbacks.options.js';

/**
 * The module's options from the environment, for hosts that configure by environment. It logs a warning for a
 * `CALLBACK_*` variable whose name is almost a known one: a host may have variables of its own.
 *
 * @throws InvalidEnvironmentError naming every bad variable
 * @throws InvalidCaFileError naming the file of extra certificates, if it is invalid
 */
export function optionsFromEnv(source: EnvSource): ServiceCallbacksOptions {
  for (const { name, meant } of unknownVariables(source)) {
    if (meant !== undefined)
      new Logger('ServiceCallbacks').warn(`Nothing reads the variable ${name}; did you mean ${meant}?`);
  }
  return optionsOf(loadModuleEnv(source));
}

/** The options from an environment that was read already. */
export function optionsOf(env: Env): ServiceCallbacksOptions {
  const { CALLBACK_ENCRYPTION_KEYS: keys, CALLBACK_EXTRA_CA_FILE: extraCaFile } = env;
  const { url, token } = valuesFrom(env, sections.alerts);
  return {
    queue: queueOptions(env),
    // Only outside production can it be empty.
    encryptionKeys: keys.length > 0 ? keys : developmentKeys(env.DATA_DIR),
    delivery: valuesFrom(env, sections.delivery),
    addresses: valuesFrom(env, sections.addresses),
    egress: {
      ...valuesFrom(env, sections.egress),
      extraCa: extraCaFile === undefined ? undefined : readExtraCa(extraCaFile),
    },
    record: valuesFrom(env, sections.record),
    deadLetters: valuesFrom(env, sections.deadLetters),
    deliveryLog: valuesFrom(env, sections.deliveryLog),
    endpointHealth: valuesFrom(env, sections.endpointHealth),
    ...(url !== undefined && { alerts: { url, token } }),
  };
}

function queueOptions(env: Env): QueueOptions {
  if (env.QUEUE_BACKEND === 'redis') return { ...valuesFrom(env, queues.redis), backend: 'redis' };
  return {
    ...valuesFrom(env, queues.postgres),
    backend: 'postgres',
    url: env.QUEUE_DATABASE_URL ?? env.DATABASE_DIRECT_URL ?? env.DATABASE_URL,
    migrate: env.MIGRATE_ON_START,
  };
}

/** Values by their variables. Settings that only code can set are missing. */
function valuesFrom<Group extends Settings>(env: Env, settings: Group): Values<Group> {
  const values = Object.entries(settings).flatMap(([name, { variable }]) =>
    variable === undefined ? [] : [[name, env[variable as VariableName]]],
  );
  return Object.fromEntries(values) as Values<Group>;
}
