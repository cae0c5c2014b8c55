import { Fragment, type ComponentChildren } from 'preact';
import type { LoggedAttempt, LoggedCallbackWithAttempts } from '../../service-callbacks/history/records.js';
import { ToneIcon } from '../page/icons.js';
import type { Tone } from '../words/tone.js';
import { When } from '../page/when.js';
import { count, counted } from '../words/counts.js';
import { duration, isDue } from '../words/durations.js';
import { attemptWords, reasonWords } from '../words/failures.js';
import { isOnHold } from './callback-state.js';
import { HeaderList } from './header-list.js';

interface TimelineProps {
  readonly callback: LoggedCallbackWithAttempts;
  readonly now: Date;
}

/** What happened to a callback, oldest first, and what comes next. */
export const Timeline = ({ callback, now }: TimelineProps) => {
  const { attempts, attemptCount, nextAttemptAt, queuedAt, finishedAt, reason, replayRequestedAt } = callback;
  const hidden = attemptCount - attempts.length;
  return (
    <ol class="timeline">
      <Step tone="plain">
        <b>Accepted</b> <When at={queuedAt} now={now} />
      </Step>
      {hidden > 0 && (
        <Step tone="plain">
          <span class="quiet">{counted(hidden, 'earlier attempt')} not kept</span>
        </Step>
      )}
      {attempts.map((attempt, index) => (
        <Fragment key={hidden + index}>
          <Replays callback={callback} index={index} now={now} />
          <Attempt
            attempt={attempt}
            number={hidden + index + 1}
            before={attempts[index - 1]?.at ?? queuedAt}
            now={now}
            isLast={index === attempts.length - 1}
          />
        </Fragment>
      ))}
      <Replays callback={callback} index={attempts.length} now={now} />
      {nextAttemptAt !== null && (
        <Step tone="plain">
          <b>{isOnHold(callback) ? 'On hold, next attempt' : 'Next attempt'}</b>{' '}
          {isDue(nextAttemptAt, now) ? 'due now' : <When at={nextAttemptAt} now={now} />}
        </Step>
      )}
      {reason !== null && (
        <Step tone="bad">
          <b>Given up</b> <When at={finishedAt} now={now} />: {reasonWords(reason).toLowerCase()}
        </Step>
      )}
      {replayRequestedAt !== null && (
        <Step tone="plain">
          <b>Replay requested</b> <When at={replayRequestedAt} now={now} />
        </Step>
      )}
    </ol>
  );
};

interface StepProps {
  readonly tone: Extract<Tone, 'good' | 'bad' | 'plain'>;
  readonly children: ComponentChildren;
}

const Step = ({ tone, children }: StepProps) => (
  <li>
    <span class={`dot dot-${tone}`}>{tone !== 'plain' && <ToneIcon tone={tone} />}</span>
    <div>{children}</div>
  </li>
);

interface ReplaysProps extends TimelineProps {
  /** The index of the attempt after it. */
  readonly index: number;
}

/** The end of one generation and the start of the next. The record has the time of the last replay only. */
const Replays = ({ callback: { attempts, generation, replayedAt }, index, now }: ReplaysProps) => {
  const before = attempts[index - 1];
  const from = before?.generation ?? 0;
  const to = attempts[index]?.generation ?? generation;
  if (to <= from) return null;
  return (
    <>
      {(before === undefined || !isSuccess(before)) && (
        <Step tone="bad">
          <b>Given up</b>
        </Step>
      )}
      <Step tone="plain">
        <b>Replayed</b> {to === generation && replayedAt !== null && <When at={replayedAt} now={now} />}
      </Step>
    </>
  );
};

interface AttemptProps {
  readonly attempt: LoggedAttempt;
  readonly number: number;
  readonly before: Date;
  readonly now: Date;
  readonly isLast: boolean;
}

const Attempt = ({ attempt, number, before, now, isLast }: AttemptProps) => {
  const { at, durationMs, statusCode, error } = attempt;
  return (
    <Step tone={isSuccess(attempt) ? 'good' : 'bad'}>
      <b>{attemptWords(statusCode, error)}</b>
      <span class="under">
        Attempt {count(number)} · <When at={at} now={now} withDistance={false} />,{' '}
        {duration(Math.max(0, at.getTime() - before.getTime()))} later · took {duration(durationMs)}
      </span>
      <Response attempt={attempt} number={number} isLast={isLast} />
    </Step>
  );
};

/** The beginning of the response, if the attempt failed. */
const Response = ({
  attempt: { excerpt, headers },
  number,
  isLast,
}: Pick<AttemptProps, 'attempt' | 'number' | 'isLast'>) => {
  const hasHeaders = Object.keys(headers).length > 0;
  if (!excerpt && !hasHeaders) return null;
  return (
    <details open={isLast}>
      <summary>Response</summary>
      {hasHeaders && <HeaderList headers={headers} label={`Headers of the response to attempt ${number}`} />}
      {excerpt && (
        <pre class="code" tabIndex={0} role="region" aria-label={`Response to attempt ${number}`}>
          <code>{excerpt}</code>
        </pre>
      )}
    </details>
  );
};

function isSuccess({ statusCode }: LoggedAttempt): boolean {
  return statusCode !== null && statusCode >= 200 && statusCode < 300;
}
