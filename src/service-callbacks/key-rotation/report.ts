import type { KeyUse } from './ciphertext.repository.js';
import type { ColumnRotation } from './key-rotation.js';

const HOUR_MS = 3_600_000;

export function rotationReport(rotations: readonly ColumnRotation[], currentKeyId: string): string {
  const lines = rotations.map(({ table, column, rotated, overtaken, unreadable }) => {
    const notes = [
      ...(overtaken > 0 ? [`${overtaken} changed meanwhile`] : []),
      ...(unreadable > 0 ? [`${unreadable} UNREADABLE`] : []),
    ];
    return `  ${table}.${column}: ${rotated} re-encrypted${notes.map((note) => `, ${note}`).join('')}`;
  });
  return [`Re-encrypted under the key "${currentKeyId}":`, ...lines].join('\n');
}

/** What is under other keys than the current one. */
export function neededKeys(uses: readonly KeyUse[], currentKeyId: string): readonly KeyUse[] {
  return uses.filter(({ keyId }) => keyId !== currentKeyId);
}

/** Which keys may be dropped, and which not yet. */
export function keyReport(
  uses: readonly KeyUse[],
  currentKeyId: string,
  { maxAgeMs }: { readonly maxAgeMs: number },
): string {
  const needed = neededKeys(uses, currentKeyId);
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
