import type { OutcomesAt } from '../../service-callbacks/callbacks/records.js';
import { count, counted } from '../words/counts.js';
import { clockTime } from '../words/times.js';
import { DataTable } from './data-table.js';

interface ChartProps {
  readonly title: string;
  readonly id: string;
  /** Oldest first. */
  readonly series: readonly OutcomesAt[];
  /** Of a bar: `minute`, `hour`. */
  readonly per: string;
}

/** From the bottom up; the names are the legend's, too. */
const LAYERS = [
  { key: 'delivered', words: 'Delivered' },
  { key: 'deferred', words: 'Deferred' },
  { key: 'failed', words: 'Failed attempts' },
  { key: 'givenUp', words: 'Given up' },
] as const;

/** Units of the drawing; it is stretched to whatever room there is. */
const HEIGHT = 100;
const BAR = { width: 10, gap: 2 } as const;

/** Bars over time, drawn here; behind them the same as a table. */
export const OutcomesChart = ({ title, id, series, per }: ChartProps) => {
  const top = niceTop(Math.max(0, ...series.map(total)));
  return (
    <figure class="chart panel" aria-labelledby={id}>
      <figcaption>
        <h2 id={id}>{title}</h2>
        <Legend series={series} />
      </figcaption>
      <div class="plot">
        <span class="plot-top">{count(top)}</span>
        <svg
          viewBox={`0 0 ${series.length * BAR.width} ${HEIGHT}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={summary(title, series)}
        >
          {series.map((outcomes, index) => (
            <Bar key={outcomes.at.getTime()} outcomes={outcomes} x={index * BAR.width} top={top} />
          ))}
        </svg>
      </div>
      <div class="axis" aria-hidden="true">
        {ticks(series).map((at) => (
          <span key={at.getTime()}>{clockTime(at)}</span>
        ))}
      </div>
      <details>
        <summary>As a table</summary>
        <DataTable
          caption={`${title}, per ${per}`}
          hideCaption
          head={['From', ...LAYERS.map(({ words }) => words)]}
          numeric={[1, 2, 3, 4]}
        >
          {series.toReversed().map((outcomes) => (
            <tr key={outcomes.at.getTime()}>
              <th scope="row">{clockTime(outcomes.at)}</th>
              {LAYERS.map(({ key }) => (
                <td key={key} class="number">
                  {count(outcomes[key])}
                </td>
              ))}
            </tr>
          ))}
        </DataTable>
      </details>
    </figure>
  );
};

const Legend = ({ series }: { readonly series: readonly OutcomesAt[] }) => (
  <ul class="legend">
    {LAYERS.map(({ key, words }) => (
      <li key={key}>
        <svg class="swatch" viewBox="0 0 10 10" aria-hidden="true">
          <rect class={`bar-${key}`} width="10" height="10" rx="2" />
        </svg>
        {words} <b>{count(series.reduce((sum, outcomes) => sum + outcomes[key], 0))}</b>
      </li>
    ))}
  </ul>
);

const Bar = ({
  outcomes,
  x,
  top,
}: {
  readonly outcomes: OutcomesAt;
  readonly x: number;
  readonly top: number;
}) => {
  let bottom = HEIGHT;
  return (
    <g>
      {LAYERS.map(({ key }) => {
        const height = (outcomes[key] / top) * HEIGHT;
        bottom -= height;
        return height === 0 ? null : (
          <rect
            key={key}
            class={`bar-${key}`}
            x={x + BAR.gap / 2}
            y={bottom.toFixed(2)}
            width={BAR.width - BAR.gap}
            height={height.toFixed(2)}
          />
        );
      })}
    </g>
  );
};

function total({ delivered, deferred, failed, givenUp }: OutcomesAt): number {
  return delivered + deferred + failed + givenUp;
}

/** A round number, not below the highest bar and not far above it. */
function niceTop(highest: number): number {
  if (highest <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(highest));
  return (
    [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((step) => step * power).find((step) => step >= highest) ?? 10 * power
  );
}

/** Five of them, evenly. */
function ticks(series: readonly OutcomesAt[]): Date[] {
  const last = series.length - 1;
  return [0, 0.25, 0.5, 0.75, 1].flatMap((share) => series[Math.round(share * last)]?.at ?? []);
}

function summary(title: string, series: readonly OutcomesAt[]): string {
  const parts = LAYERS.map(({ key, words }) => {
    const sum = series.reduce((all, outcomes) => all + outcomes[key], 0);
    return `${words.toLowerCase()} ${count(sum)}`;
  });
  return `${title}: ${parts.join(', ')}; ${counted(series.length, 'bar')}, with a table below`;
}
