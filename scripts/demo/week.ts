import { randomBytes, randomUUID } from 'node:crypto';

/** How an endpoint of the made-up week behaves. */
export interface WeekEndpoint {
  readonly serviceId: string;
  readonly callbackType: string;
  readonly path: string;
  /** Callbacks an hour at noon. */
  readonly perHour: number;
  /** Typical latency, ms. */
  readonly latencyMs: number;
  /** The share of attempts that fail. */
  readonly failureShare: number;
  /** The failure that goes on: how long ago it began, ms, and how it fails. */
  readonly failing?: { readonly sinceMs: number; readonly failure: string };
  readonly disabled?: { readonly sinceMs: number; readonly reason: 'gone' | 'by_hand' };
}

/** An endpoint that has its row. */
export interface SeededEndpoint extends WeekEndpoint {
  readonly callbackApiId: string;
  readonly url: string;
}

const HOUR_MS = 3_600_000;

const [letters, passports, vaccines, taxes] = Array.from({ length: 4 }, () => randomUUID()) as [
  string,
  string,
  string,
  string,
];

/** A service team to look at, and the token of its own. */
export const TEAM = { serviceId: passports, token: randomBytes(24).toString('base64url') } as const;

export const weekEndpoints: readonly WeekEndpoint[] = [
  {
    serviceId: passports,
    callbackType: 'delivery_status',
    path: '/passports/receipts',
    perHour: 900,
    latencyMs: 45,
    failureShare: 0.002,
    failing: { sinceMs: 2.7 * HOUR_MS, failure: '503' },
  },
  {
    serviceId: passports,
    callbackType: 'inbound_sms',
    path: '/passports/replies',
    perHour: 40,
    latencyMs: 60,
    failureShare: 0.001,
  },
  {
    serviceId: vaccines,
    callbackType: 'delivery_status',
    path: '/vaccines/delivery',
    perHour: 4_200,
    latencyMs: 28,
    failureShare: 0.004,
  },
  {
    serviceId: taxes,
    callbackType: 'delivery_status',
    path: '/taxes/notify-callback',
    perHour: 300,
    latencyMs: 900,
    failureShare: 0.12,
  },
  {
    serviceId: taxes,
    callbackType: 'complaint',
    path: '/taxes/complaints',
    perHour: 3,
    latencyMs: 120,
    failureShare: 0,
    disabled: { sinceMs: 26 * HOUR_MS, reason: 'by_hand' },
  },
  {
    serviceId: letters,
    callbackType: 'returned_letter',
    path: '/letters/returned',
    perHour: 12,
    latencyMs: 80,
    failureShare: 0,
  },
  {
    serviceId: letters,
    callbackType: 'delivery_status',
    path: '/letters/status',
    perHour: 0,
    latencyMs: 50,
    failureShare: 0,
  },
];

/** What happened in an hour (or another span) of the week. */
export interface Span {
  readonly delivered: number;
  readonly failed: number;
  readonly deferred: number;
  readonly givenUp: number;
}

/** More by day than by night, a little by chance. @param share of an hour */
export function spanOf(endpoint: WeekEndpoint, at: number, now: number, share: number): Span {
  const hour = new Date(at).getUTCHours();
  const daylight = 0.25 + 0.75 * Math.max(0, Math.sin(((hour - 5) / 16) * Math.PI));
  const volume = roundByChance(endpoint.perHour * share * daylight * (0.85 + Math.random() * 0.3));
  if (endpoint.disabled && at >= now - endpoint.disabled.sinceMs)
    return { delivered: 0, failed: 0, deferred: 0, givenUp: volume };
  if (endpoint.failing && at >= now - endpoint.failing.sinceMs) {
    const failed = roundByChance(volume * 0.08);
    const givenUp = roundByChance(volume * 0.015);
    return { delivered: 0, failed, deferred: volume - failed, givenUp };
  }
  const failed = roundByChance(volume * endpoint.failureShare);
  return { delivered: volume, failed, deferred: 0, givenUp: roundByChance(failed * 0.02) };
}

/** 0.3 becomes 1 in three cases of ten, and 0 in the others. Ordinary rounding would always make it 0. */
function roundByChance(value: number): number {
  return Math.floor(value + Math.random());
}
