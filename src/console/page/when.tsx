import { relative } from '../words/durations.js';
import { timeOf } from '../words/times.js';

interface WhenProps {
  readonly at: Date | null;
  readonly now: Date;
  /** Also shows how long ago it was, or how long until then. */
  readonly withDistance?: boolean;
}

/** A time, absolute (UTC) and relative. The whole time is in the markup and in the tooltip. */
export const When = ({ at, now, withDistance = true }: WhenProps) =>
  at === null ? (
    <span class="quiet">—</span>
  ) : (
    <time dateTime={at.toISOString()} title={at.toISOString()}>
      {timeOf(at, now)}
      {withDistance && <span class="quiet"> ({relative(at, now)})</span>}
    </time>
  );
