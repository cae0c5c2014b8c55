/**
 * A `Retry-After` header (RFC 9110 §10.2.3) as ms from `nowMs`, never negative. A number of seconds that is too large
 * is `Number.MAX_SAFE_INTEGER`; the retry policy has its own maximum. A date in the past is 0. Anything else (a sign,
 * decimals, ISO dates, an empty header) is `undefined`.
 */
export function parseRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  // Optional whitespace (RFC 9110 §5.6.3) is not part of a header's value.
  const text = value?.replace(/^[ \t]+|[ \t]+$/g, '');
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1000, Number.MAX_SAFE_INTEGER);
  const date = parseHttpDate(text, nowMs);
  return date === undefined ? undefined : Math.max(0, date - nowMs);
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

const DAY_NAME = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)';
const LONG_DAY_NAME = '(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)';
const MONTH = `(?<month>${MONTHS.join('|')})`;
const TIME = '(?<hour>\\d{2}):(?<minute>\\d{2}):(?<second>\\d{2})';

/** The three forms that a recipient must accept: IMF-fixdate, RFC 850, asctime. Case-sensitive, as in the RFC. */
const FORMS = [
  new RegExp(`^${DAY_NAME}, (?<day>\\d{2}) ${MONTH} (?<year>\\d{4}) ${TIME} GMT$`),
  new RegExp(`^${LONG_DAY_NAME}, (?<day>\\d{2})-${MONTH}-(?<shortYear>\\d{2}) ${TIME} GMT$`),
  new RegExp(`^${DAY_NAME} ${MONTH} (?<day>\\d{2}| \\d) ${TIME} (?<year>\\d{4})$`),
];

/**
 * An HTTP-date (RFC 9110 §5.6.7) as Unix ms; `undefined` for anything else. `nowMs` decides the century of RFC 850's
 * two-digit years. A wrong day name is ignored; a date that no calendar has (30 February) is rejected.
 */
function parseHttpDate(text: string, nowMs: number): number | undefined {
  const parts = FORMS.map((form) => form.exec(text)?.groups).find((groups) => groups !== undefined);
  if (parts === undefined) return undefined;
  const year =
    parts['year'] === undefined ? fullYear(Number(parts['shortYear']), nowMs) : Number(parts['year']);
  const month = MONTHS.indexOf(parts['month'] ?? '');
  const day = Number(parts['day']);
  const [hour, minute, second] = [Number(parts['hour']), Number(parts['minute']), Number(parts['second'])];
  // 60 is a leap second, which the grammar allows. It reads as the first second of the next minute.
  if (hour > 23 || minute > 59 || second > 60) return undefined;

  // Date.UTC would read years 0–99 as 1900–1999.
  const date = new Date(0);
  date.setUTCFullYear(year, month, day);
  const isOnCalendar = date.getUTCMonth() === month && date.getUTCDate() === day;
  return isOnCalendar ? date.setUTCHours(hour, minute, second) : undefined;
}

/** A two-digit year that seems more than 50 years ahead is the most recent past year with those digits. */
function fullYear(shortYear: number, nowMs: number): number {
  const thisYear = new Date(nowMs).getUTCFullYear();
  const inThisCentury = thisYear - (thisYear % 100) + shortYear;
  return inThisCentury > thisYear + 50 ? inThisCentury - 100 : inThisCentury;
}
