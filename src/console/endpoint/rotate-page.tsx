import type { CallbackApi } from '../../service-callbacks/endpoints/callback-api.repository.js';
import { Button, PostForm } from '../page/form.js';
import { Layout } from '../page/layout.js';
import { Notice } from '../page/notice.js';
import { PageHeader } from '../page/page-header.js';
import { When } from '../page/when.js';
import { paths } from '../paths.js';
import type { ConsoleSession } from '../session/console-session.js';
import type { Form } from '../session/form-body.js';
import { duration } from '../words/durations.js';

interface RotatePageProps {
  readonly session: ConsoleSession;
  readonly api: CallbackApi;
  /** `CALLBACK_SIGNING_OVERLAP_MS`. */
  readonly overlapMs: number;
  /** It was asked and answered before: the page with the new secret was loaded again, or somebody else was quicker. */
  readonly isAgain: boolean;
  readonly now: Date;
}

/** Asks before a receiver could be left with a secret that is good for nothing. */
export const RotatePage = ({ session, api, overlapMs, isAgain, now }: RotatePageProps) => {
  const own = paths.endpoint(api.serviceId, api.id);
  const { previousSecretUntil } = api;
  return (
    <Layout title="Rotate the signing secret" session={session} section="overview">
      <PageHeader
        title="Rotate the signing secret?"
        trail={[
          ['Overview', paths.overview],
          [api.url, own],
        ]}
      >
        <p class="lead">
          A new secret is made, and shown once.{' '}
          {overlapMs > 0
            ? `Requests are signed with both, the new one and the one in use now, for ${duration(overlapMs)}: give the receiver the new one within that time.`
            : 'Requests are signed with it alone from then on: a receiver that does not have it yet refuses them.'}
        </p>
        <p class="quiet">
          How long both are good is set with <code>CALLBACK_SIGNING_OVERLAP_MS</code>.
        </p>
      </PageHeader>
      {isAgain && (
        <Notice tone="warn" title="The secret has just been rotated">
          <p>The new one was shown then, and only then. Rotate once more if nobody has kept it.</p>
        </Notice>
      )}
      {previousSecretUntil !== null && previousSecretUntil > now && (
        <Notice tone="warn" title="The last rotation is not over">
          <p>
            Until <When at={previousSecretUntil} now={now} /> requests are signed with the secret before that
            as well. That oldest one is dropped now: a receiver that knows no newer one refuses every request.
          </p>
        </Notice>
      )}
      <PostForm action={`${own}/rotate`} csrf={session.csrf} class="actions">
        <input type="hidden" name="after" value={rotationOf(api)} />
        <Button kind="danger" name="confirmed" value="true">
          Rotate the signing secret
        </Button>
        <a class="button" href={own}>
          Keep the one in use
        </a>
      </PostForm>
    </Layout>
  );
};

/** Somebody said yes to rotating this very secret: the same form sent again is about one that is gone. */
export function isAgreed(form: Form, api: CallbackApi): boolean {
  return hasSaidYes(form) && form.get('after') === rotationOf(api);
}

export function hasSaidYes(form: Form): boolean {
  return form.get('confirmed') === 'true';
}

/** Another after each rotation. */
function rotationOf({ previousSecretUntil }: CallbackApi): string {
  return previousSecretUntil?.toISOString() ?? 'none';
}
