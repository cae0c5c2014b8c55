import { parser } from '@prometheus-io/lezer-promql';

/** Evaluates PromQL over the scrapes of a test, as far as the rules of `deploy/` need it. */

type Labels = Readonly<Record<string, string>>;

interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

type Vector = readonly Sample[];
type Node = ReturnType<typeof parser.parse>['topNode'];

/** What one series had at which times (s); oldest first. */
interface Series {
  readonly labels: Labels;
  readonly points: { readonly at: number; readonly value: number }[];
}

const NAME = '__name__';
/** How old the last scrape of a target may be, s. */
const LOOKBACK = 300;
const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };
const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

export class Scrapes {
  private readonly series = new Map<string, Series>();
  /** For each target, the times at which it was scraped. */
  private readonly times = new Map<string, number[]>();

  /**
   * @param at s
   * @param text undefined if the target did not respond
   */
  add(at: number, text: string | undefined, instance = 'one:3000'): this {
    const target = { job: 'service-callbacks', instance };
    this.times.set(instance, [...(this.times.get(instance) ?? []), at]);
    this.append({ [NAME]: 'up', ...target }, at, text === undefined ? 0 : 1);
    for (const line of text?.split('\n') ?? []) {
      const [, name, labels = '', value = ''] = LINE.exec(line) ?? [];
      if (name === undefined) continue;
      const own: Record<string, string> = {};
      for (const [, label = '', quoted = ''] of labels.matchAll(LABEL)) own[label] = quoted;
      this.append({ [NAME]: name, ...own, ...target }, at, Number(value.replace('Inf', 'Infinity')));
    }
    return this;
  }

  /**
   * @param at s
   * @throws SyntaxError for invalid PromQL, Error for PromQL that this does not support
   */
  query(expression: string, at: number): Vector {
    const result = new Evaluation(expression, [...this.series.values()], this.times).run(at);
    return typeof result === 'number' ? [{ labels: {}, value: result }] : result;
  }

  private append(labels: Labels, at: number, value: number): void {
    const key = keyOf(labels);
    const series = this.series.get(key) ?? { labels, points: [] };
    series.points.push({ at, value });
    this.series.set(key, series);
  }
}

/** The metrics that an expression names. */
export function metricsIn(expression: string): string[] {
  const names: string[] = [];
  parser.parse(expression).iterate({
    enter: ({ name, from, to }) => {
      if (name === 'Identifier') names.push(expression.slice(from, to));
    },
  });
  return names;
}

class Evaluation {
  constructor(
    private readonly expression: string,
    private readonly series: readonly Series[],
    private readonly times: ReadonlyMap<string, readonly number[]>,
  ) {}

  run(at: number): number | Vector {
    const tree = parser.parse(this.expression);
    tree.iterate({
      enter: ({ type, from }) => {
        if (type.isError) throw new SyntaxError(`No PromQL from character ${from} on: ${this.expression}`);
      },
    });
    return this.value(tree.topNode, at);
  }

  private value(node: Node, at: number): number | Vector {
    switch (node.name) {
      case 'PromQL':
      case 'ParenExpr':
        return this.value(childrenOf(node)[0] as Node, at);
      case 'NumberDurationLiteral':
        return Number(this.text(node));
      case 'VectorSelector':
        return this.selected(node).flatMap((series) => this.instant(series, at));
      case 'AggregateExpr':
        return this.aggregated(node, at);
      case 'FunctionCall':
        return this.called(node, at);
      case 'BinaryExpr':
        return this.combined(node, at);
      default:
        throw new Error(`Not known here: ${node.name} in ${this.expression}`);
    }
  }

  /** The value of the last scrape; empty if that scrape lacks the series. */
  private instant({ labels, points }: Series, at: number): Vector {
    const scraped = this.times.get(labels['instance'] ?? '')?.findLast((time) => time <= at);
    if (scraped === undefined || at - scraped > LOOKBACK) return [];
    const point = points.find((each) => each.at === scraped);
    return point ? [{ labels, value: point.value }] : [];
  }

  private selected(node: Node): Series[] {
    const name = this.text(node.getChild('Identifier') as Node);
    const matchers = (node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? []).map(
      (matcher) => {
        const [label, operator, literal] = childrenOf(matcher).map((each) => this.text(each));
        const wanted = JSON.parse(literal ?? '""') as string;
        const regex = new RegExp(`^(?:${wanted})$`);
        const isRegex = operator?.endsWith('~') === true;
        const isNegative = operator?.startsWith('!') === true;
        return (labels: Labels) => {
          const value = labels[label ?? ''] ?? '';
          return (isRegex ? regex.test(value) : value === wanted) !== isNegative;
        };
      },
    );
    return this.series.filter(
      ({ labels }) => labels[NAME] === name && matchers.every((matches) => matches(labels)),
    );
  }

  /** The points of each series within a range. */
  private ranges(node: Node, at: number): { series: Series[]; seconds: number } {
    if (node.name === 'OffsetExpr') {
      const offset = this.duration(node.getChild('OffsetDurationExpr') as Node);
      return this.ranges(childrenOf(node)[0] as Node, at - offset);
    }
    const seconds = this.duration(node.getChild('DurationExpr') as Node);
    const series = this.selected(node.getChild('VectorSelector') as Node).map(({ labels, points }) => ({
      labels,
      points: points.filter((point) => point.at > at - seconds && point.at <= at),
    }));
    return { series: series.filter(({ points }) => points.length > 0), seconds };
  }

  private called(node: Node, at: number): Vector {
    const name = this.text(node.getChild('FunctionIdentifier') as Node);
    const [first, second] = childrenOf(node.getChild('FunctionCallBody') as Node) as [Node, Node?];
    switch (name) {
      case 'absent':
        return (this.value(first, at) as Vector).length > 0 ? [] : [{ labels: {}, value: 1 }];
      case 'vector':
        return [{ labels: {}, value: this.value(first, at) as number }];
      case 'min_over_time':
        return this.ranges(first, at).series.map(({ labels, points }) => ({
          labels: unnamed(labels),
          value: Math.min(...points.map(({ value }) => value)),
        }));
      case 'increase':
      case 'rate': {
        const { series, seconds } = this.ranges(first, at);
        return series.flatMap(({ labels, points }) =>
          points.length < 2
            ? []
            : [{ labels: unnamed(labels), value: increaseOf(points) / (name === 'rate' ? seconds : 1) }],
        );
      }
      case 'histogram_quantile':
        return quantiles(this.value(first, at) as number, this.value(second as Node, at) as Vector);
      default:
        throw new Error(`Not known here: ${name}() in ${this.expression}`);
    }
  }

  private aggregated(node: Node, at: number): Vector {
    const operation = this.text(node.getChild('AggregateOp') as Node);
    const labels = node.getChild('AggregateModifier')?.getChild('GroupingLabels')?.getChildren('LabelName');
    const by = (labels ?? []).map((label) => this.text(label));
    const [operand] = childrenOf(node.getChild('FunctionCallBody') as Node) as [Node];
    const groups = Map.groupBy(this.value(operand, at) as Vector, (sample) => keyOf(pick(sample.labels, by)));
    return [...groups.values()].map((samples) => ({
      labels: pick(samples[0]?.labels ?? {}, by),
      value: aggregate(
        operation,
        samples.map(({ value }) => value),
      ),
    }));
  }

  private combined(node: Node, at: number): number | Vector {
    const [left, operator, right, ...more] = childrenOf(node) as [Node, Node, Node];
    if (more.length > 0) throw new Error(`Not known here: a modifier in ${this.expression}`);
    const [a, b] = [this.value(left, at), this.value(right, at)];
    const sign = this.text(operator);
    if (sign === 'and' || sign === 'or') return setOperation(sign, a as Vector, b as Vector);
    if (typeof a === 'number' && typeof b === 'number') return arithmetic(sign, a, b);
    const pairs: [Sample, number, number][] =
      typeof a === 'number'
        ? (b as Vector).map((sample) => [sample, a, sample.value])
        : a.flatMap((sample): [Sample, number, number][] => {
            const other = typeof b === 'number' ? b : match(sample, b)?.value;
            return other === undefined ? [] : [[sample, sample.value, other]];
          });
    const isFilter = sign in COMPARISONS;
    return pairs.flatMap(([sample, x, y]) => {
      if (!isFilter) return [{ labels: unnamed(sample.labels), value: arithmetic(sign, x, y) }];
      return COMPARISONS[sign]?.(x, y) ? [sample] : [];
    });
  }

  private duration(node: Node): number {
    const [, count, unit = ''] = /^(\d+)([smhd])$/.exec(this.text(node)) ?? [];
    return Number(count) * (SECONDS[unit] ?? Number.NaN);
  }

  private text({ from, to }: Node): string {
    return this.expression.slice(from, to);
  }
}

const COMPARISONS: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '==': (a, b) => a === b,
  '>': (a, b) => a > b,
  '<': (a, b) => a < b,
};

function arithmetic(sign: string, a: number, b: number): number {
  switch (sign) {
    case '+':
      return a + b;
    case '*':
      return a * b;
    case '/':
      return a / b;
    default:
      throw new Error(`Not known here: ${sign}`);
  }
}

function setOperation(sign: 'and' | 'or', a: Vector, b: Vector): Vector {
  if (sign === 'and') return a.filter((sample) => match(sample, b));
  return [...a, ...b.filter((sample) => !match(sample, a))];
}

function match({ labels }: Sample, others: Vector): Sample | undefined {
  const key = keyOf(unnamed(labels));
  return others.find((other) => keyOf(unnamed(other.labels)) === key);
}

function aggregate(operation: string, values: readonly number[]): number {
  if (operation === 'sum') return values.reduce((sum, value) => sum + value, 0);
  if (operation === 'max') return Math.max(...values);
  if (operation === 'min') return Math.min(...values);
  throw new Error(`Not known here: ${operation}`);
}

/** A counter that is smaller than before began again. Nothing is extrapolated to the ends of the range. */
function increaseOf(points: Series['points']): number {
  return points.slice(1).reduce((sum, { value }, index) => {
    const before = points[index]?.value ?? 0;
    return sum + (value < before ? value : value - before);
  }, 0);
}

function quantiles(quantile: number, buckets: Vector): Vector {
  const groups = Map.groupBy(buckets, ({ labels: { le: _, ...labels } }) => keyOf(unnamed(labels)));
  return [...groups.values()].map((samples) => {
    const { le: _, ...labels } = unnamed(samples[0]?.labels ?? {});
    const sorted = samples
      .map((sample) => ({ le: Number(sample.labels['le']?.replace('Inf', 'Infinity')), count: sample.value }))
      .toSorted((a, b) => a.le - b.le);
    return { labels, value: quantileOf(quantile, sorted) };
  });
}

function quantileOf(quantile: number, buckets: readonly { le: number; count: number }[]): number {
  const rank = quantile * (buckets.at(-1)?.count ?? 0);
  if (rank === 0) return Number.NaN;
  const index = buckets.findIndex(({ count }) => count >= rank);
  const [before, bucket] = [buckets[index - 1] ?? { le: 0, count: 0 }, buckets[index]];
  if (bucket === undefined || bucket.le === Infinity) return before.le;
  return before.le + ((bucket.le - before.le) * (rank - before.count)) / (bucket.count - before.count);
}

function childrenOf(node: Node): Node[] {
  const children: Node[] = [];
  for (let child = node.firstChild; child; child = child.nextSibling) children.push(child);
  return children;
}

function unnamed({ [NAME]: _, ...labels }: Labels): Labels {
  return labels;
}

function pick(labels: Labels, names: readonly string[]): Labels {
  return Object.fromEntries(names.flatMap((name) => (name in labels ? [[name, labels[name] ?? '']] : [])));
}

function keyOf(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
