import type { Evidence, Result } from './evidence.js';
import { resultOf } from './log-line.js';

const OUTCOMES: Readonly<Record<string, string>> = {
  'callback.delivered': 'delivered',
  'callback.not_retried': 'given up, not retried',
  'callback.retries_exhausted': 'given up, retries exhausted',
};

const HEADER = ['callback', 'attempts', 'outcome', 'time'];

/** One row a callback, with the attempts that the receiver saw and the outcome in the log. */
export function summaryTable(results: readonly Result[]): string {
  const rows = [HEADER, ...results.map(row)];
  const widths = HEADER.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
  const lines = rows.map((cells) => cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
  const rule = widths.map((width) => '-'.repeat(width)).join('  ');
  return [lines[0], rule, ...lines.slice(1)].map((line) => `  ${line}`.trimEnd()).join('\n');
}

function row(result: Result): string[] {
  const { title } = result.scenario;
  if (result.kind === 'failed') return [title, String(result.arrivals), 'not known', ''];
  const { arrivals, lines, durationMs } = result;
  return [title, String(arrivals.length), outcome(lines), `${(durationMs / 1000).toFixed(2)} s`];
}

function outcome(lines: Evidence['lines']): string {
  const last = lines.at(-1);
  if (last === undefined) return 'unknown';
  return `${OUTCOMES[last.event ?? ''] ?? last.event} (${resultOf(last)})`;
}
