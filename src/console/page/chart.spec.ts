import { describe, expect, it } from '@jest/globals';
import { renderToString } from 'preact-render-to-string';
import type { OutcomesAt } from '../../service-callbacks/history/records.js';
import { OutcomesChart } from './chart.js';

const MINUTE_MS = 60_000;
const START = Date.parse('2026-11-28T09:07:00Z');
const NOTHING = { delivered: 0, failed: 0, deferred: 0, givenUp: 0 };

const hour = (change: (minute: number) => Partial<OutcomesAt> = () => ({})): OutcomesAt[] =>
  Array.from({ length: 60 }, (_, minute) => ({
    at: new Date(START + minute * MINUTE_MS),
    ...NOTHING,
    ...change(minute),
  }));

const chart = (series: OutcomesAt[]) =>
  renderToString(OutcomesChart({ title: 'Last hour', id: 'last-hour', series, per: 'minute' }));

const heightsOf = (html: string, kind: string) =>
  [...html.matchAll(new RegExp(`bar-${kind}" x="[^"]+" y="[^"]+" width="8" height="([^"]+)"`, 'g'))].map(
    ([, height]) => Number(height),
  );

describe('a chart of outcomes', () => {
  it('shows one callback given up in a thousand, and never more than the plot has room for', () => {
    const html = chart(hour(() => ({ delivered: 999, givenUp: 1 })));
    expect(heightsOf(html, 'givenUp')).toEqual(Array.from({ length: 60 }, () => 3));
    const [delivered = 0] = heightsOf(html, 'delivered');
    expect(delivered + 3).toBeLessThanOrEqual(96);
  });

  it('draws attempts to a scale of their own', () => {
    const html = chart(hour((minute) => ({ delivered: 10_000, failed: minute === 5 ? 2 : 1 })));
    expect(heightsOf(html, 'failed').filter((height) => height === 32)).toHaveLength(1);
    expect(html).toContain('2/min');
  });

  it('has the figures of each bar in words', () => {
    const html = chart(hour((minute) => (minute === 1 ? { delivered: 1_200, failed: 1 } : {})));
    expect(html).toContain('data-reading="09:08: 1,200 delivered, 0 given up, 1 failed attempt, 0 deferred"');
  });

  it('has round times at even distances below their bars', () => {
    const html = chart(hour(() => ({ delivered: 1 })));
    const ticks = [...html.matchAll(/<text x="([\d.]+)%"[^>]*>([^<]+)</g)].map(([, x, words]) => [
      Number(x),
      words,
    ]);
    expect(ticks).toEqual([
      [14.17, '09:15'],
      [39.17, '09:30'],
      [64.17, '09:45'],
      [89.17, '10:00'],
    ]);
  });

  it('says that it is empty', () => {
    expect(chart(hour())).toContain('No callback and no attempt in this time');
    expect(chart(hour(() => ({ deferred: 1 })))).not.toContain('No callback and no attempt');
  });
});
