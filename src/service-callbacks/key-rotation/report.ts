import type { KeyUse } from './ciphertext.repository.js';
import type { KeysInUse, RotatedKeys } from './rotate-keys.js';

const HOUR_MS = 3_600_000;

export function rotationReport({ columns, currentKeyId }: RotatedKeys): string {
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
export function keyReport({ needed, currentKeyId }: KeysInUse, maxAgeMs: number): string {
  const lines =
    needed.length === 0
      ? [`Nothing stored is under another key than "${currentKeyId}".`]
      : ['Still needed, do not drop:', ...needed.map(describe)];
  return [
    ...lines,
    'Callbacks on the queues are not counted: they end within CALLBACK_MAX_AGE_MS. Keep a retired key for ' +
      `${Math.ceil(maxAgeMs / HOUR_MS)} hours after the last process that encrypted with it has ended, and look ` +
      'again then: what was given up meanwhile is kept under the key it was queued with.',
  ].join('\n');
}

function describe({ keyId, table, column, count }: KeyUse): string {
  return `  key "${keyId}": ${count} in ${table}.${column}`;
}
