import type { OutcomesAt } from '../../service-callbacks/history/records.js';
import { count, counted } from '../words/counts.js';
import { clockTime } from '../words/times.js';
import { DataTable } from './data-table.js';

interface ChartProps {
  readonly title: string;
  readonly id: string;
  /** Oldest first. */
  readonly series: readonly OutcomesAt[];
  /** The span of a bar: `minute`, `hour`. */
  readonly per: 'minute' | 'hour';
}

type Kind = Exclude<keyof OutcomesAt, 'at'>;

const WORDS: Readonly<Record<Kind, string>> = {
  delivered: 'Delivered',
  givenUp: 'Given up',
  failed: 'Failed attempts',
  deferred: 'Deferred',
};
const KINDS = Object.keys(WORDS) as Kind[];

interface Plot {
  readonly name: string;
  /** From the bottom up. Callbacks are stacked on callbacks, never on attempts. */
  readonly kinds: readonly Kind[];
  /** Its place in the drawing, px. */
  readonly top: number;
  readonly height: number;
}

/** One below the other, each with its own scale: a few failures are visible beside thousands of deliveries. */
const PLOTS: readonly Plot[] = [
  { name: 'ended', kinds: ['delivered', 'givenUp'], top: 22, height: 96 },
  { name: 'failed', kinds: ['failed'], top: 148, height: 32 },
  { name: 'deferred', kinds: ['deferred'], top: 210, height: 32 },
];

/** Units of the drawing: px from top to bottom; the width is stretched to the available space. */
const DRAWING = { height: 244, bar: 10, gap: 2 } as const;

/** The least height of a bar, px: one in a thousand is visible. */
const LEAST_HEIGHT = 3;

const UNITS = { minute: 'min', hour: 'h' } as const;

/** The distance of two times on the axis. */
const TICK_MINUTES = { minute: 15, hour: 6 * 60 } as const;

/** Bars over time, with the figures of the bar under the pointer or the focus, and the same figures as a table. */
export const OutcomesChart = ({ title, id, series, per }: ChartProps) => {
  const isEmpty = series.every((outcomes) => KINDS.every((kind) => outcomes[kind] === 0));
  return (
    <figure class="chart panel" aria-labelledby={id}>
      <figcaption>
        <h2 id={id}>{title}</h2>
        <p class="reading" />
      </figcaption>
      {isEmpty ? (
        <div class="plot">
          <p class="plot-empty">No callback and no attempt in this time</p>
        </div>
      ) : (
        <Drawing title={title} series={series} per={per} />
      )}
      <Axis series={series} per={per} />
      <details>
        <summary>As a table</summary>
        <DataTable
          caption={`${title}, per ${per}`}
          hideCaption
          head={['From', ...KINDS.map((kind) => WORDS[kind])]}
          numeric={KINDS.map((_, index) => index + 1)}
        >
          {series.toReversed().map((outcomes) => (
            <tr key={outcomes.at.getTime()}>
              <th scope="row">{clockTime(outcomes.at)}</th>
              {KINDS.map((kind) => (
                <td key={kind} class="number">
                  {count(outcomes[kind])}
                </td>
              ))}
            </tr>
          ))}
        </DataTable>
      </details>
    </figure>
  );
};

const Drawing = ({ title, series, per }: Omit<ChartProps, 'id'>) => {
  const width = series.length * DRAWING.bar;
  const tops = PLOTS.map(({ kinds }) =>
    niceTop(Math.max(0, ...series.map((outcomes) => sumOf(outcomes, kinds)))),
  );
  return (
    <div class="plot">
      {PLOTS.map((plot, index) => (
        <div key={plot.name} class={`plot-label plot-${plot.name}`} aria-hidden="true">
          <Legend kinds={plot.kinds} series={series} />
          <span>
            {count(tops[index] ?? 0)}/{UNITS[per]}
          </span>
        </div>
      ))}
      <svg
        viewBox={`0 0 ${width} ${DRAWING.height}`}
        preserveAspectRatio="none"
        role="group"
        aria-label={summary(title, series)}
      >
        {PLOTS.map(({ name, top, height }) => (
          <path
            key={name}
            class="grid"
            d={[top, top + height / 2, top + height].map((y) => `M0 ${y}H${width}`).join('')}
          />
        ))}
        {series.map((outcomes, index) => (
          <Bar
            key={outcomes.at.getTime()}
            outcomes={outcomes}
            x={index * DRAWING.bar}
            tops={tops}
            isLast={index === series.length - 1}
          />
        ))}
      </svg>
    </div>
  );
};

const Legend = ({ kinds, series }: { readonly kinds: readonly Kind[] } & Pick<ChartProps, 'series'>) => (
  <span class="legend">
    {kinds.map((kind) => (
      <span key={kind}>
        <svg class="swatch" viewBox="0 0 10 10">
          <rect class={`bar-${kind}`} width="10" height="10" rx="2" />
        </svg>
        {WORDS[kind]} <b>{count(total(series, kind))}</b>
      </span>
    ))}
  </span>
);

interface BarProps {
  readonly outcomes: OutcomesAt;
  readonly x: number;
  /** The value of the full height of each plot. */
  readonly tops: readonly number[];
  readonly isLast: boolean;
}

/** The figures of one span of time, in all plots. The focus enters at the last one; arrow keys move it. */
const Bar = ({ outcomes, x, tops, isLast }: BarProps) => {
  const reading = `${clockTime(outcomes.at)}: ${figuresOf((kind) => outcomes[kind])}`;
  return (
    <g role="img" aria-label={reading} data-reading={reading} tabIndex={isLast ? 0 : -1}>
      <title>{reading}</title>
      <rect class="hit" x={x} width={DRAWING.bar} height={DRAWING.height} />
      {PLOTS.map((plot, index) => (
        <Stack key={plot.name} plot={plot} outcomes={outcomes} x={x} top={tops[index] ?? 1} />
      ))}
    </g>
  );
};

interface StackProps extends Pick<BarProps, 'outcomes' | 'x'> {
  readonly plot: Plot;
  readonly top: number;
}

const Stack = ({ plot: { kinds, top: y, height: room }, outcomes, x, top }: StackProps) => {
  const heights = kinds.map((kind) =>
    outcomes[kind] === 0 ? 0 : Math.max(LEAST_HEIGHT, (outcomes[kind] / top) * room),
  );
  // The height that a small part gains is taken from the first part.
  const excess = Math.max(0, heights.reduce((sum, height) => sum + height, 0) - room);
  let bottom = y + room;
  return (
    <>
      {kinds.map((kind, index) => {
        const height = (heights[index] ?? 0) - (index === 0 ? excess : 0);
        bottom -= height;
        return height <= 0 ? null : (
          <rect
            key={kind}
            class={`bar-${kind}`}
            x={x + DRAWING.gap / 2}
            y={bottom.toFixed(2)}
            width={DRAWING.bar - DRAWING.gap}
            height={height.toFixed(2)}
          />
        );
      })}
    </>
  );
};

/** Round times at equal distances, each below its bar. */
const Axis = ({ series, per }: Pick<ChartProps, 'series' | 'per'>) => (
  <svg class="axis" aria-hidden="true">
    {series.map(({ at }, index) => {
      const minutes = at.getUTCHours() * 60 + at.getUTCMinutes();
      if (minutes % TICK_MINUTES[per] !== 0) return null;
      const share = (index + 0.5) / series.length;
      const anchor = share < 0.05 ? 'start' : share > 0.95 ? 'end' : 'middle';
      return (
        <text key={minutes} x={`${(share * 100).toFixed(2)}%`} y="12" text-anchor={anchor}>
          {clockTime(at)}
        </text>
      );
    })}
  </svg>
);

function sumOf(outcomes: OutcomesAt, kinds: readonly Kind[]): number {
  return kinds.reduce((sum, kind) => sum + outcomes[kind], 0);
}

function total(series: readonly OutcomesAt[], kind: Kind): number {
  return series.reduce((sum, outcomes) => sum + outcomes[kind], 0);
}

/** A round number whose half is also round: at least the highest bar, and not much more. */
function niceTop(highest: number): number {
  if (highest <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(highest));
  const steps = power === 1 ? [2, 4, 6, 8, 10] : [1, 1.2, 1.6, 2, 3, 4, 5, 6, 8, 10];
  return steps.map((step) => step * power).find((step) => step >= highest) ?? 10 * power;
}

/** `120 delivered, 1 given up, 3 failed attempts, 0 deferred`. */
function figuresOf(figure: (kind: Kind) => number): string {
  return [
    `${count(figure('delivered'))} delivered`,
    `${count(figure('givenUp'))} given up`,
    counted(figure('failed'), 'failed attempt'),
    `${count(figure('deferred'))} deferred`,
  ].join(', ');
}

function summary(title: string, series: readonly OutcomesAt[]): string {
  return `${title}: ${figuresOf((kind) => total(series, kind))}; ${counted(series.length, 'bar')}, with a table below`;
}
