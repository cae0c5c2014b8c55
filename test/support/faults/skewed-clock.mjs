/**
 * Preloaded into a service: its wall clock is off by the first number of the comma-separated list `CLOCK_SKEW_MS`;
 * SIGUSR2 moves on to the next number. As when somebody sets the time, the monotonic clock stays as it is.
 */
const skews = (process.env.CLOCK_SKEW_MS ?? '0').split(',').map(Number);
const RealDate = Date;
const now = () => RealDate.now() + (skews[0] ?? 0);

globalThis.Date = class extends RealDate {
  constructor(...args) {
    super(...(args.length === 0 ? [now()] : args));
  }

  static now() {
    return now();
  }
};

process.on('SIGUSR2', () => {
  if (skews.length > 1) skews.shift();
});
