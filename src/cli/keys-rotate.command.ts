import { loadModuleEnv } from '../config/env.js';
import { withDataSource } from '../database/open-data-source.js';
import { optionsOf } from '../service-callbacks/options-from-env.js';
import type { KeyUse } from '../service-callbacks/key-rotation/ciphertext.repository.js';
import {
  keysInUse,
  rotateKeys,
  type KeysInUse,
  type RotatedKeys,
  type RotationProgress,
} from '../service-callbacks/key-rotation/rotate-keys.js';
import type { Command } from './command.js';
import type { Project } from './project.js';

/** At most one line of progress in this time, ms. */
const PROGRESS_INTERVAL_MS = 1_000;

export function keysRotateCommand({ withDatabases }: Pick<Project, 'withDatabases'>): Command {
  return {
    name: 'keys rotate',
    description:
      'Re-encrypts everything that is stored with the first of CALLBACK_ENCRYPTION_KEYS, while processes run; exits ' +
      'with 1 if another key is still needed.',
    options: { check: { description: 'changes nothing: names the keys that are still needed' } },
    run: (input) => {
      const { encryptionKeys } = optionsOf(loadModuleEnv(process.env));
      return withDatabases(({ url }) =>
        withDataSource({ url, poolSize: 1 }, async (dataSource) => {
          if (!input.flag('check')) {
            const rotated = await rotateKeys(dataSource, { encryptionKeys, onProgress: progressLines() });
            console.log(rotationReport(rotated));
          }
          const use = await keysInUse(dataSource, { encryptionKeys });
          console.log(keyReport(use));
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

function rotationReport({ columns, currentKeyId }: RotatedKeys): string {
  const lines = columns.map(({ table, column, rotated, overtaken, unreadable }) => {
    const notes = [
      ...(overtaken > 0 ? [`${overtaken} changed meanwhile`] : []),
      ...(unreadable > 0 ? [`${unreadable} UNREADABLE`] : []),
    ];
    return `  ${table}.${column}: ${rotated} re-encrypted${notes.map((note) => `, ${note}`).join('')}`;
  });
  return [`Re-encrypted under the key "${currentKeyId}":`, ...lines].join('\n');
}

/** Which keys can be removed now, and which not yet. */
function keyReport({ needed, currentKeyId }: KeysInUse): string {
  const lines =
    needed.length === 0
      ? [`Nothing stored is under another key than "${currentKeyId}".`]
      : ['Still needed, do not remove:', ...needed.map(describe)];
  return [
    ...lines,
    'Remove an old key only if nothing is stored under it after the last process that encrypts with it has ended. ' +
      'Jobs in the queues are not counted: they are there for seconds, and the callbacks of a job whose key is ' +
      'missing are taken from the record again.',
  ].join('\n');
}

function describe({ keyId, table, column, count }: KeyUse): string {
  return `  key "${keyId}": ${count} in ${table}.${column}`;
}
