const CLOCK = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'UTC',
  hour: '2-digit',
  minute: '2-digit',
});
const SECONDS = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'UTC',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});
const DAY = new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', day: 'numeric', month: 'short' });

/** `09:14`, UTC. */
export function clockTime(at: Date): string {
  return CLOCK.format(at);
}

/** `09:14:05` today, `23 Nov 09:14:05` on another day, UTC. */
export function timeOf(at: Date, now: Date): string {
  return isSameDay(at, now) ? SECONDS.format(at) : `${DAY.format(at)} ${SECONDS.format(at)}`;
}

/** `09:14` today, `09:14 on 23 Nov` on another day, UTC. */
export function sinceWhen(at: Date, now: Date): string {
  return isSameDay(at, now) ? CLOCK.format(at) : `${CLOCK.format(at)} on ${DAY.format(at)}`;
}

function isSameDay(a: Date, b: Date): boolean {
  return a.toISOString().slice(0, 10) === b.toISOString().slice(0, 10);
}
