import { writeFileSync } from 'node:fs';
import { barOf, type Bar, type Row } from './row.js';

/** Pixels. */
const WIDTH = 860;
const LABEL = 470;
const LINE = 34;
const HEAD = 56;
const PLOT = WIDTH - LABEL - 70;
const COLOURS: Readonly<Record<string, string>> = { holds: '#1d70b8', missed: '#b3261e' };

/**
 * The ratio of every row with a bar, with its 95 % interval, as a share of its bar: left of the line is within the bar.
 * The axis is logarithmic, from a tenth of the bar to ten times the bar.
 */
export function writeChart(file: string, rows: readonly Row[]): void {
  const barred = rows.flatMap((row) => {
    const bar = barOf(row);
    return bar ? [{ row, bar }] : [];
  });
  const height = HEAD + barred.length * LINE + 30;
  const lines = barred.map(({ row, bar }, index) => lineOf(row, bar, HEAD + index * LINE));
  writeFileSync(
    file,
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="13" role="img">
<title>Each row's ratio as a share of its bar, with its 95 % interval</title>
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="16" y="26" font-size="16" font-weight="600" fill="#1a1a1a">Share of the bar used (left of the line is within it)</text>
<line x1="${x(1)}" x2="${x(1)}" y1="${HEAD - 14}" y2="${height - 26}" stroke="#1a1a1a" stroke-dasharray="4 3"/>
${[0.1, 0.25, 0.5, 1, 2, 4, 10].map((share) => `<text x="${x(share)}" y="${height - 8}" text-anchor="middle" fill="#555555">${share}</text>`).join('\n')}
${lines.join('\n')}
</svg>
`,
  );
}

function lineOf(row: Row, bar: Bar, top: number): string {
  const share = shareOf(row, bar);
  const colour = COLOURS[String(row.settings['result'])] ?? '#555555';
  const middle = top + LINE / 2;
  return `<text x="16" y="${middle + 4}" fill="#1a1a1a">${escape(shorten(`${row.backend}: ${row.row}`))}</text>
<line x1="${x(share.low)}" x2="${x(share.high)}" y1="${middle}" y2="${middle}" stroke="${colour}" stroke-width="2"/>
<circle cx="${x(share.middle)}" cy="${middle}" r="5" fill="${colour}"/>
<text x="${WIDTH - 12}" y="${middle + 4}" text-anchor="end" fill="${colour}">${row.ratio.toFixed(2)}</text>`;
}

/** If the bar is a minimum, the reciprocal, so that less is better in every row. */
function shareOf({ ratio, low, high }: Row, bar: Bar) {
  if ('atMost' in bar) return { middle: ratio / bar.atMost, low: low / bar.atMost, high: high / bar.atMost };
  return { middle: bar.atLeast / ratio, low: bar.atLeast / high, high: bar.atLeast / low };
}

function x(share: number): number {
  const within = Math.min(10, Math.max(0.1, share));
  return Math.round(LABEL + ((Math.log10(within) + 1) / 2) * PLOT);
}

function shorten(text: string): string {
  return text.length > 68 ? `${text.slice(0, 67)}…` : text;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
