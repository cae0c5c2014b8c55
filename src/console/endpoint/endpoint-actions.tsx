import type { CallbackApi } from '../../service-callbacks/endpoints/callback-api.repository.js';
import { Button, PostForm } from '../page/form.js';
import { paths } from '../paths.js';
import { can, type ConsoleSession } from '../session/console-session.js';
import { atMost } from '../words/counts.js';
import { MAX_COUNTED } from './endpoint-limits.js';

interface ActionsProps {
  readonly session: ConsoleSession;
  readonly api: CallbackApi;
  readonly replayable: number;
  /** Callbacks that were given up while it was disabled. */
  readonly kept: number;
}

/** What the token allows. */
export const EndpointActions = ({ session, api, replayable, kept }: ActionsProps) => {
  const own = paths.endpoint(api.serviceId, api.id);
  const mayWrite = can(session, 'callbacks:write');
  const mayReplay = can(session, 'dead-letters:replay');
  if (!mayWrite && !mayReplay) return null;
  const { csrf } = session;
  return (
    <section class="actions" aria-label="Actions">
      {mayWrite && (
        <form
          method="post"
          action={`${own}/test`}
          hx-post={`${own}/test`}
          hx-select="#test-outcome"
          hx-target="#test-outcome"
          hx-swap="outerHTML"
          hx-disable="find button"
          {...{ 'hx-morph-skip': true }}
        >
          <input type="hidden" name="csrf" value={csrf} />
          <Button kind="primary">Send a test callback</Button>
        </form>
      )}
      {mayReplay && replayable > 0 && api.disabledAt === null && (
        <PostForm action={`${paths.givenUp}/replay`} csrf={csrf}>
          <input type="hidden" name="service" value={api.serviceId} />
          <input type="hidden" name="endpoint" value={api.id} />
          <Button name="which" value="all">
            Replay its {atMost(replayable, MAX_COUNTED)} given-up{' '}
            {replayable === 1 ? 'callback' : 'callbacks'}
          </Button>
        </PostForm>
      )}
      {mayWrite && api.disabledAt === null && (
        <PostForm action={`${own}/disable`} csrf={csrf}>
          <Button>Disable</Button>
        </PostForm>
      )}
      {mayWrite && api.disabledAt !== null && (
        <PostForm action={`${own}/enable`} csrf={csrf}>
          <Button>Enable</Button>
        </PostForm>
      )}
      {mayWrite && mayReplay && api.disabledAt !== null && kept > 0 && (
        <PostForm action={`${own}/enable`} csrf={csrf}>
          <Button name="replay" value="true">
            Enable and replay {atMost(kept, MAX_COUNTED)}
          </Button>
        </PostForm>
      )}
      {mayWrite && (
        <PostForm action={`${own}/rotate`} csrf={csrf}>
          <Button>Rotate the signing secret</Button>
        </PostForm>
      )}
    </section>
  );
};
