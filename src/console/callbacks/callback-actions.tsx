import type { LoggedCallbackWithAttempts } from '../../service-callbacks/history/records.js';
import type { CallbackApi } from '../../service-callbacks/endpoints/callback-api.repository.js';
import { Button, PostForm } from '../page/form.js';
import { Notice } from '../page/notice.js';
import { When } from '../page/when.js';
import { paths } from '../paths.js';
import { can, type ConsoleSession } from '../session/console-session.js';
import { isDue } from '../words/durations.js';

/** The requested action. */
export const CALLBACK_ACTIONS = ['replayed', 'retried'] as const;
export type CallbackAction = (typeof CALLBACK_ACTIONS)[number];

interface NoticeProps {
  readonly done: CallbackAction | undefined;
  readonly callback: LoggedCallbackWithAttempts;
  readonly now: Date;
}

/** The result, from the record: an address alone shows none. */
export const CallbackNotice = ({ done, callback, now }: NoticeProps) => {
  if (done === undefined) return null;
  if (callback.state === 'delivered') return <Notice tone="good" title="It is delivered" />;
  if (isOnItsWay(callback, now)) return <Notice tone="plain" title="It is on its way" />;
  const hasFailed = callback.attemptCount > 0;
  return (
    <Notice tone="warn" title={hasFailed ? 'It is not delivered: see below why' : 'It was not sent yet'} />
  );
};

/** Whether it is sent within a moment. */
export function isOnItsWay({ state, nextAttemptAt }: LoggedCallbackWithAttempts, now: Date): boolean {
  return state === 'waiting' || (nextAttemptAt !== null && isDue(nextAttemptAt, now));
}

interface ActionsProps {
  readonly session: ConsoleSession;
  readonly serviceId: string;
  readonly callback: LoggedCallbackWithAttempts;
  readonly api: CallbackApi | null;
  readonly now: Date;
}

/** What can be done with a callback, or why nothing can. */
export const CallbackActions = (props: ActionsProps) => {
  const { session, serviceId, callback } = props;
  const why = obstacle(props);
  if (why !== null) return <p class="quiet">{why}</p>;
  if (callback.state === 'waiting' || !can(session, 'dead-letters:replay')) return null;
  const own = paths.callback(serviceId, callback.id);
  const isOver = callback.finishedAt !== null;
  return (
    <PostForm action={`${own}/${isOver ? 'replay' : 'retry'}`} csrf={session.csrf} class="actions">
      <Button kind="primary">{isOver ? 'Replay' : 'Retry now'}</Button>
      <span class="quiet">
        {isOver
          ? 'Sends it once more: the same webhook-id, the same body.'
          : callback.detail === 'retry_after'
            ? 'Sends it now, although its endpoint sent Retry-After.'
            : 'Sends it now, before its scheduled time.'}
      </span>
    </PostForm>
  );
};

function obstacle({ serviceId, callback, api, now }: ActionsProps) {
  const { finishedAt, replayRequestedAt } = callback;
  if (finishedAt === null) return null;
  if (replayRequestedAt !== null)
    return (
      <>
        A replay was requested <When at={replayRequestedAt} now={now} />. It has not started yet.
      </>
    );
  if (!callback.hasPayload) return 'It cannot be replayed: its body is not kept any more.';
  if (api === null) return 'It cannot be replayed: its endpoint has been deleted.';
  if (api.disabledAt !== null)
    return (
      <>
        It cannot be replayed while <a href={paths.endpoint(serviceId, api.id)}>its endpoint</a> is disabled.
      </>
    );
  return null;
}
