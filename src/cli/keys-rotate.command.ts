import { loadModuleEnv } from '../config/env.js';
import { withDataSource } from '../database/with-data-source.js';
import { optionsOf } from '../service-callbacks/options-from-env.js';
import { keyReport, rotationReport } from '../service-callbacks/key-rotation/report.js';
import { keysInUse, rotateKeys } from '../service-callbacks/key-rotation/rotate-keys.js';
import type { RotationProgress } from '../service-callbacks/key-rotation/key-rotation.js';
import type { Command } from './command.js';
import type { Project } from './project.js';

/** At most one line of progress in this time, ms. */
const PROGRESS_INTERVAL_MS = 1_000;

export function keysRotateCommand({ withDatabases }: Pick<Project, 'withDatabases'>): Command {
  return {
    name: 'keys rotate',
    description:
      'Re-encrypts what is stored under the first of CALLBACK_ENCRYPTION_KEYS, while processes run; ends with 1 where ' +
      'another key is still needed.',
    options: { check: { description: 'changes nothing: names the keys that are still needed' } },
    run: (input) => {
      const env = loadModuleEnv(process.env);
      const { encryptionKeys } = optionsOf(env);
      return withDatabases(({ url }) =>
        withDataSource({ url, poolSize: 1 }, async (dataSource) => {
          if (!input.flag('check')) {
            const rotated = await rotateKeys(dataSource, { encryptionKeys, onProgress: progressLines() });
            console.log(rotationReport(rotated));
          }
          const use = await keysInUse(dataSource, { encryptionKeys });
          console.log(keyReport(use, env.CALLBACK_MAX_AGE_MS));
          return use.needed.length > 0 ? 1 : 0;
        }),
      );
    },
  };
}

/** Progress goes to standard error; standard output has the result. */
function progressLines(): (progress: RotationProgress) => void {
  let lastAt = -Infinity;
  return ({ table, column, done, total }) => {
    const now = performance.now();
    if (done > 0 && now - lastAt < PROGRESS_INTERVAL_MS) return;
    lastAt = now;
    console.error(`${table}.${column}: ${done} of ${total}`);
  };
}
