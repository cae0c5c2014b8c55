const NUMBER = new Intl.NumberFormat('en-GB');

/** `12,345`. */
export function count(value: number): string {
  return NUMBER.format(value);
}

/** `1 callback`, `12,345 callbacks`. */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** A number that is counted up to a limit: `100,000+`. */
export function atMost(value: number, limit: number): string {
  return value >= limit ? `${count(limit)}+` : count(value);
}

/** `0.4`, `8`. */
export function tenths(value: number): string {
  return value.toFixed(1).replace('.0', '');
}

/** `0.4`, `12`, `1,204` a second. */
export function rate(perSecond: number): string {
  if (perSecond === 0) return '0';
  if (perSecond < 0.1) return perSecond.toFixed(2);
  return perSecond < 10 ? tenths(perSecond) : count(Math.round(perSecond));
}

/**
 * `99.97%`, `100%`. It never rounds to 0% or 100%: one failure in a million is `99.99%`. `—` if nothing was counted.
 */
export function share(part: number, whole: number): string {
  if (whole === 0) return '—';
  if (part === whole) return '100%';
  const percent = Math.min(99.99, (part / whole) * 100);
  return `${part === 0 ? 0 : Math.max(0.01, percent).toFixed(percent < 10 || percent >= 99 ? 2 : 1)}%`;
}
