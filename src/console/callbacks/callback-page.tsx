import type { LoggedCallbackWithAttempts } from '../../service-callbacks/history/records.js';
import type { CallbackApi } from '../../service-callbacks/endpoints/callback-api.repository.js';
import type { CallbackBody } from '../../service-callbacks/reporting/callback-body.reader.js';
import { Id } from '../page/id.js';
import { Layout } from '../page/layout.js';
import { Live } from '../page/live.js';
import { PageHeader } from '../page/page-header.js';
import { When } from '../page/when.js';
import { paths, withQuery } from '../paths.js';
import type { ConsoleSession } from '../session/console-session.js';
import { counted } from '../words/counts.js';
import { latency, nextAttempt } from '../words/durations.js';
import { typeWords } from '../words/failures.js';
import { shortId } from '../words/ids.js';
import { CallbackActions, CallbackNotice, isOnItsWay, type CallbackAction } from './callback-actions.js';
import { CallbackState, outcomeWords } from './callback-state.js';
import { SentPanel } from './sent-panel.js';
import { Timeline } from './timeline.js';

export interface CallbackView {
  readonly session: ConsoleSession;
  readonly serviceId: string;
  readonly callback: LoggedCallbackWithAttempts;
  /** Null if it is deleted. */
  readonly api: CallbackApi | null;
  readonly body: CallbackBody;
  /** The token may see personal data in the body. */
  readonly maySeePersonal: boolean;
  /** They are shown on request. */
  readonly showsPersonal: boolean;
  readonly now: Date;
  readonly done: CallbackAction | undefined;
}

export const CallbackPage = (view: CallbackView) => {
  const { session, serviceId, callback, api, now, done } = view;
  const trail: [string, string][] = [['Callbacks', paths.callbacks]];
  if (api !== null) trail.push([api.url, paths.endpoint(serviceId, api.id)]);
  const isOpen = callback.finishedAt === null;
  const isSoon = isOnItsWay(callback, now);
  const personal = view.showsPersonal ? 'shown' : undefined;
  const title = `Callback ${shortId(callback.id)}`;
  return (
    <Layout
      title={`${title}, ${outcomeWords(callback)}`}
      session={session}
      section="callbacks"
      reloadSeconds={isOpen && done !== undefined ? (isSoon ? 2 : 5) : undefined}
    >
      <Live
        id="callback"
        address={isOpen ? withQuery(paths.callback(serviceId, callback.id), { done, personal }) : undefined}
        everySeconds={isSoon ? 2 : 15}
      >
        <PageHeader title={title} trail={trail}>
          <p class="lead" role="status">
            <CallbackState state={callback.state} /> {sentence(callback, now)}
          </p>
        </PageHeader>
        <CallbackNotice done={done} callback={callback} now={now} />
        <CallbackActions {...{ session, serviceId, callback, api, now }} />
        <div class="split">
          <section class="panel" aria-labelledby="attempts">
            <h2 id="attempts">What happened</h2>
            <Timeline callback={callback} now={now} />
          </section>
          <Facts {...view} />
        </div>
        <SentPanel {...view} />
      </Live>
    </Layout>
  );
};

function sentence(callback: LoggedCallbackWithAttempts, now: Date): string {
  const { state, attemptCount, nextAttemptAt } = callback;
  const after = attemptCount === 0 ? 'without an attempt' : `after ${counted(attemptCount, 'attempt')}`;
  if (state === 'waiting')
    return attemptCount === 0 ? 'for its first attempt.' : `for its next attempt, ${after}.`;
  if (state === 'delivered') return `${after}.`;
  const what = attemptCount === 0 ? '' : `${after}: `;
  const next = nextAttemptAt === null ? '' : `; ${nextAttempt(nextAttemptAt, now)}`;
  return `${what}${outcomeWords(callback)}${next}.`;
}

const DEFERRALS: Readonly<Record<string, string>> = {
  circuit_open: 'its endpoint fails too often and is on hold; one callback at a time probes it',
  retry_after: 'its endpoint sent Retry-After and is on hold',
  endpoint_busy: 'its endpoint has as many requests as it can take',
  endpoint_unproven: 'its endpoint has not responded yet, and gets few requests until it does',
  process_busy: 'this platform has as many requests as it can make',
  unknown_encryption_key: 'this platform lacks a key; it is sent later',
  platform_fault: 'a fault of this platform; it is sent later',
};

const Facts = ({ serviceId, callback, api, now }: CallbackView) => (
  <section class="panel" aria-labelledby="facts">
    <h2 id="facts">Facts</h2>
    <dl class="facts">
      <dt>Callback id</dt>
      <dd>
        <Id id={callback.id} what="callback" isWhole />
      </dd>
      <dt>Type</dt>
      <dd>{typeWords(callback.callbackType)}</dd>
      <dt>Subject</dt>
      <dd>{callback.subjectId === null ? '—' : <Id id={callback.subjectId} what="subject" isWhole />}</dd>
      <dt>Service</dt>
      <dd>
        <Id id={serviceId} what="service" isWhole />
      </dd>
      <dt>Endpoint</dt>
      <dd>
        {api === null ? (
          <span class="quiet">
            <span class="url">{callback.url ?? '—'}</span> (deleted)
          </span>
        ) : (
          <a class="url" href={paths.endpoint(serviceId, api.id)}>
            {api.url}
          </a>
        )}
      </dd>
      <dt>Accepted</dt>
      <dd>
        <When at={callback.queuedAt} now={now} />
      </dd>
      <dt>First attempt</dt>
      <dd>{callback.forwardMs === null ? '—' : `${latency(callback.forwardMs)} after that`}</dd>
      {callback.detail && (
        <>
          <dt>{callback.state === 'given_up' ? 'Detail' : 'Deferred'}</dt>
          <dd>{DEFERRALS[callback.detail] ?? callback.detail}</dd>
        </>
      )}
    </dl>
  </section>
);
