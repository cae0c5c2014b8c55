import { readFileSync, writeFileSync } from 'node:fs';
import { barOf, type Row } from './row.js';

export function printRows(rows: readonly Row[]): void {
  const lines = rows.map((row) => [
    row.row,
    figure(row.subject),
    figure(row.baseline),
    row.unit,
    row.ratio.toFixed(2),
    `${row.low.toFixed(2)}–${row.high.toFixed(2)}`,
    describeBar(row),
  ]);
  const table = [['row', 'subject', 'baseline', 'unit', 'ratio', '95 %', 'bar'], ...lines];
  const widths =
    table[0]?.map((_, column) => Math.max(...table.map((line) => line[column]?.length ?? 0))) ?? [];
  for (const line of table)
    console.log(line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
}

/** The rows as JSON. */
export function writeRows(file: string, rows: readonly Row[]): void {
  writeFileSync(file, `${JSON.stringify(rows, undefined, 2)}\n`);
}

/** The rows of some files; of the same row, the last one. */
export function readRows(files: readonly string[]): Row[] {
  return latestOf(files.flatMap((file) => JSON.parse(readFileSync(file, 'utf8')) as Row[]));
}

/** Each row once, as it was measured last. */
export function latestOf(rows: readonly Row[]): Row[] {
  return [...new Map(rows.map((row) => [`${row.backend} ${row.row}`, row])).values()];
}

function describeBar(row: Row): string {
  const bar = barOf(row);
  if (bar === undefined) return '';
  const text = 'atMost' in bar ? `≤ ${bar.atMost}` : `≥ ${bar.atLeast}`;
  return `${text} ${String(row.settings['result'])}`;
}

function figure(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(1);
}
