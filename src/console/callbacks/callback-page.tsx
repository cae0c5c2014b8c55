import type { CallbackApi } from '../../service-callbacks/endpoints/callback-api.repository.js';
import type { DeadLetter } from '../../service-callbacks/callbacks/dead-letter.repository.js';
import type { LoggedCallbackWithAttempts } from '../../service-callbacks/callbacks/records.js';
import { Layout } from '../page/layout.js';
import { Notice } from '../page/notice.js';
import { PageHeader } from '../page/page-header.js';
import { paths } from '../paths.js';
import { Button, PostForm } from '../page/form.js';
import { can, type ConsoleSession } from '../session/console-session.js';
import { counted } from '../words/counts.js';
import { latency, nextTry } from '../words/durations.js';
import { reasonWords, typeWords } from '../words/failures.js';
import { asCurl } from './as-curl.js';
import { CallbackState } from './callback-state.js';
import { Timeline } from './timeline.js';

export interface CallbackView {
  readonly session: ConsoleSession;
  readonly serviceId: string;
  readonly callback: LoggedCallbackWithAttempts;
  /** Null where it has been deleted. */
  readonly api: CallbackApi | null;
  readonly letter: DeadLetter | null;
  readonly now: Date;
  readonly isReplayed: boolean;
}

export const CallbackPage = (view: CallbackView) => {
  const { session, serviceId, callback, api, now, isReplayed } = view;
  const trail: [string, string][] = [['Callbacks', paths.callbacks]];
  if (api !== null) trail.push([api.url, paths.endpoint(serviceId, api.id)]);
  return (
    <Layout title={`Callback ${callback.id.slice(0, 8)}`} session={session} section="callbacks">
      <PageHeader title={`Callback ${callback.id.slice(0, 8)}`} trail={trail}>
        <p class="lead">
          <CallbackState state={callback.state} /> {sentence(callback, now)}
        </p>
      </PageHeader>
      {isReplayed && (
        <Notice tone="good" title="It is on its way again">
          <p>
            Reload to see what the endpoint answered.{' '}
            <a href={paths.callback(serviceId, callback.id)}>Reload</a>
          </p>
        </Notice>
      )}
      <div class="split">
        <section class="panel" aria-labelledby="attempts">
          <h2 id="attempts">Attempts</h2>
          <Timeline callback={callback} givenUpAt={view.letter?.givenUpAt ?? null} now={now} />
        </section>
        <div class="stack">
          <Facts {...view} />
          {api !== null && (
            <section class="panel" aria-labelledby="curl">
              <h2 id="curl">As curl</h2>
              <pre class="code" tabIndex={0} role="region" aria-labelledby="curl">
                <code>{asCurl(api.url, callback.id)}</code>
              </pre>
              <p class="quiet">
                The token is left out, and the body is not kept here; a signature is made for each request.
              </p>
            </section>
          )}
        </div>
      </div>
    </Layout>
  );
};

function sentence({ state, attemptCount, nextAt, reason }: LoggedCallbackWithAttempts, now: Date): string {
  const after = attemptCount === 0 ? 'without an attempt' : `after ${counted(attemptCount, 'attempt')}`;
  if (state === 'waiting')
    return attemptCount === 0 ? 'for its first attempt.' : `for its next attempt, ${after}.`;
  const next = nextAt === null ? '' : `; ${nextTry(nextAt, now)}`;
  return `${after}${reason === null ? '' : `: ${reasonWords(reason).toLowerCase()}`}${next}.`;
}

const Facts = ({ session, serviceId, callback, api, letter }: CallbackView) => (
  <section class="panel" aria-labelledby="facts">
    <h2 id="facts">Facts</h2>
    <dl class="facts">
      <dt>Callback id</dt>
      <dd>
        <code class="id">{callback.id}</code>
      </dd>
      <dt>Type</dt>
      <dd>{typeWords(callback.callbackType)}</dd>
      <dt>Subject</dt>
      <dd>
        <code class="id">{callback.subjectId ?? '—'}</code>
      </dd>
      <dt>Service</dt>
      <dd>
        <code class="id">{serviceId}</code>
      </dd>
      <dt>Endpoint</dt>
      <dd>
        {api === null ? (
          <span class="quiet">Its callback API has been deleted</span>
        ) : (
          <a class="url" href={paths.endpoint(serviceId, api.id)}>
            {api.url}
          </a>
        )}
      </dd>
      <dt>Forward delay</dt>
      <dd>{latency(callback.forwardMs)}</dd>
      {callback.detail && (
        <>
          <dt>Detail</dt>
          <dd>{callback.detail}</dd>
        </>
      )}
    </dl>
    {letter !== null && <LetterActions {...{ session, letter }} />}
  </section>
);

type LetterProps = Pick<CallbackView, 'session'> & { readonly letter: DeadLetter };

const LetterActions = ({ session, letter }: LetterProps) => {
  if (letter.replayRequestedAt !== null) return <p class="quiet">A replay has been asked for.</p>;
  if (!letter.isReplayable) return <p class="quiet">It has no payload that could be sent again.</p>;
  if (!can(session, 'dead-letters:replay')) return null;
  return (
    <PostForm action={`${paths.callback(letter.serviceId ?? '', letter.id)}/replay`} csrf={session.csrf}>
      <Button kind="primary">Replay</Button>
    </PostForm>
  );
};
