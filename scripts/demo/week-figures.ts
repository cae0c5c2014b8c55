import type { DataSource } from 'typeorm';
import { observe } from '../../src/service-callbacks/figures/histogram.js';
import { spanOf, type Span, type SeededEndpoint } from './week.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const HOURS = 7 * 24;
const MINUTES = 24 * 60;

/** The figures that the overview and the charts read. */
export async function seedFigures(
  dataSource: DataSource,
  endpoints: readonly SeededEndpoint[],
  now: number,
): Promise<void> {
  const hourly = hours(endpoints, now);
  await insert(dataSource, 'service_callback_endpoint_hours', hourly);
  await insert(dataSource, 'service_callback_minutes', minutes(endpoints, now));
  await insert(
    dataSource,
    'service_callback_endpoint_health',
    endpoints.flatMap((each) => health(each, hourly, now)),
  );
}

function hours(endpoints: readonly SeededEndpoint[], now: number) {
  const last = Math.floor(now / HOUR_MS) * HOUR_MS;
  return endpoints.flatMap((endpoint) =>
    Array.from({ length: HOURS }, (_, index) => {
      const at = last - index * HOUR_MS;
      const share = index === 0 ? (now - last) / HOUR_MS : 1;
      const span = spanOf(endpoint, at, now, share);
      return {
        callback_api_id: endpoint.callbackApiId,
        service_id: endpoint.serviceId,
        hour: new Date(at).toISOString(),
        ...columns(span),
        duration_histogram: histogram(span.delivered + span.failed, endpoint.latencyMs),
      };
    }).filter(isSomething),
  );
}

function minutes(endpoints: readonly SeededEndpoint[], now: number) {
  const last = Math.floor(now / MINUTE_MS) * MINUTE_MS;
  const services = Map.groupBy(endpoints, ({ serviceId }) => serviceId);
  return [...services].flatMap(([serviceId, own]) =>
    Array.from({ length: MINUTES }, (_, index) => {
      const at = last - index * MINUTE_MS;
      const spans = own.map((endpoint) => spanOf(endpoint, at, now, 1 / 60));
      const sum = spans.reduce(add);
      return {
        service_id: serviceId,
        minute: new Date(at).toISOString(),
        ...columns(sum),
        forward_histogram: histogram(sum.delivered + sum.failed, 9),
      };
    }).filter(isSomething),
  );
}

/** Failures in a row: those of the hours since the failure began. */
function failuresSince(callbackApiId: string, hourly: ReturnType<typeof hours>, since: number): number {
  return hourly
    .filter((row) => row.callback_api_id === callbackApiId && Date.parse(row.hour) >= since - HOUR_MS)
    .reduce((sum, { delivered, failed }) => (delivered === 0 ? sum + failed : sum), 0);
}

function health(endpoint: SeededEndpoint, hourly: ReturnType<typeof hours>, now: number) {
  const { callbackApiId, serviceId, failing, failureShare, perHour, disabled } = endpoint;
  if (perHour === 0) return [];
  const failingSince = failing && new Date(now - failing.sinceMs).toISOString();
  const lastSuccess = failing ? now - failing.sinceMs - 4_000 : now - (disabled?.sinceMs ?? 9_000);
  return [
    {
      callback_api_id: callbackApiId,
      service_id: serviceId,
      last_success_at: new Date(lastSuccess).toISOString(),
      last_failure_at: failing || failureShare > 0.01 ? new Date(now - 70_000).toISOString() : null,
      last_failure: failing?.failure ?? (failureShare > 0.01 ? 'timeout' : null),
      failing_since: failingSince ?? null,
      attempts_since_success: failing ? failuresSince(callbackApiId, hourly, now - failing.sinceMs) : 0,
    },
  ];
}

function columns({ delivered, failed, deferred, givenUp }: Span) {
  return { delivered, failed, deferred, given_up: givenUp };
}

function isSomething(row: ReturnType<typeof columns>): boolean {
  return row.delivered + row.failed + row.deferred + row.given_up > 0;
}

function add(a: Span, b: Span): Span {
  return {
    delivered: a.delivered + b.delivered,
    failed: a.failed + b.failed,
    deferred: a.deferred + b.deferred,
    givenUp: a.givenUp + b.givenUp,
  };
}

/** Durations around a typical one, with a long tail. */
function histogram(count: number, typicalMs: number): number[] {
  const buckets: number[] = [];
  for (let left = Math.min(count, 200); left > 0; left -= 1) {
    observe(buckets, typicalMs * (0.5 + Math.random() + Math.random() ** 8 * 12));
  }
  return buckets;
}

/** The keys of a row are the table's columns. */
async function insert(dataSource: DataSource, table: string, rows: readonly object[]): Promise<void> {
  const [first] = rows;
  if (first === undefined) return;
  const names = Object.keys(first).join(', ');
  await dataSource.query(
    `INSERT INTO ${table} (${names}) SELECT ${names} FROM jsonb_populate_recordset(NULL::${table}, $1)`,
    [JSON.stringify(rows)],
  );
}
