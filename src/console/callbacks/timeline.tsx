import type { LoggedAttempt, LoggedCallbackWithAttempts } from '../../service-callbacks/callbacks/records.js';
import { ToneIcon } from '../page/icons.js';
import { Empty } from '../page/notice.js';
import { When } from '../page/when.js';
import { count, counted } from '../words/counts.js';
import { duration, isDue } from '../words/durations.js';
import { answerWords, reasonWords } from '../words/failures.js';

interface TimelineProps {
  readonly callback: LoggedCallbackWithAttempts;
  /** Where its dead letter tells. */
  readonly givenUpAt: Date | null;
  readonly now: Date;
}

/** What happened to a callback, oldest first, and what comes next. */
export const Timeline = ({ callback, givenUpAt, now }: TimelineProps) => {
  const { attempts, attemptCount, nextAt, queuedAt, reason } = callback;
  const hidden = attemptCount - attempts.length;
  return (
    <>
      {attempts.length === 0 && reason === null && <Empty title="No attempt yet" />}
      <ol class="timeline">
        <li>
          <span class="dot dot-plain" />
          <div>
            <b>Accepted</b> <When at={queuedAt} now={now} />
          </div>
        </li>
        {hidden > 0 && (
          <li>
            <span class="dot dot-plain" />
            <div class="quiet">{counted(hidden, 'earlier attempt')} not kept</div>
          </li>
        )}
        {attempts.map((attempt, index) => (
          <Attempt
            key={hidden + index}
            attempt={attempt}
            number={hidden + index + 1}
            before={attempts[index - 1]?.at ?? queuedAt}
            now={now}
          />
        ))}
        {nextAt !== null && (
          <li>
            <span class="dot dot-plain" />
            <div>
              <b>{isDue(nextAt, now) ? 'Next try, due now' : 'Next try'}</b>{' '}
              <When at={nextAt} now={now} withDistance={!isDue(nextAt, now)} />
            </div>
          </li>
        )}
        {reason !== null && (
          <li>
            <span class="dot dot-bad">
              <ToneIcon tone="bad" />
            </span>
            <div>
              <b>Given up</b>
              {givenUpAt !== null && (
                <>
                  {' '}
                  <When at={givenUpAt} now={now} />
                </>
              )}
              : {reasonWords(reason).toLowerCase()}
            </div>
          </li>
        )}
      </ol>
    </>
  );
};

interface AttemptProps {
  readonly attempt: LoggedAttempt;
  readonly number: number;
  readonly before: Date;
  readonly now: Date;
}

const Attempt = ({ attempt, number, before, now }: AttemptProps) => {
  const { at, durationMs, statusCode, error, excerpt } = attempt;
  const isSuccess = statusCode !== null && statusCode >= 200 && statusCode < 300;
  const tone = isSuccess ? 'good' : 'bad';
  return (
    <li>
      <span class={`dot dot-${tone}`}>
        <ToneIcon tone={tone} />
      </span>
      <div>
        <b>{answerWords(statusCode, error)}</b>
        <span class="under">
          Attempt {count(number)} · <When at={at} now={now} />,{' '}
          {duration(Math.max(0, at.getTime() - before.getTime()))} later · took {duration(durationMs)}
        </span>
        {excerpt !== null && excerpt !== '' && (
          <details>
            <summary>What it answered</summary>
            <pre class="code" tabIndex={0} role="region" aria-label={`Answer to attempt ${number}`}>
              <code>{excerpt}</code>
            </pre>
          </details>
        )}
      </div>
    </li>
  );
};
