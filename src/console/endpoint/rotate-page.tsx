import type { CallbackApi } from '../../service-callbacks/endpoints/callback-api.repository.js';
import { Notice } from '../page/notice.js';
import { QuestionPage } from '../page/question-page.js';
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
  /** It was confirmed before: the page with the new secret was reloaded, or another person was faster. */
  readonly isAgain: boolean;
  readonly now: Date;
}

/** Asks for confirmation, because a receiver could be left with a secret that is no longer valid. */
export const RotatePage = ({ session, api, overlapMs, isAgain, now }: RotatePageProps) => {
  const own = paths.endpoint(api.serviceId, api.id);
  const { previousSecretUntil } = api;
  return (
    <QuestionPage
      session={session}
      section="overview"
      question="Rotate the signing secret?"
      about={[api.url, own]}
      action={`${own}/rotate`}
      fields={{ after: rotationOf(api) }}
      yes="Rotate the signing secret"
      no="Keep the one in use"
    >
      <p>
        A new secret is made, and shown once.{' '}
        {overlapMs > 0
          ? `Requests are signed with the new one and the one in use now for ${duration(overlapMs)}: give the receiver the new one within that time.`
          : 'Requests are signed with the new one alone from then on: a receiver that does not have it yet refuses them.'}{' '}
        <span class="quiet">
          <code>CALLBACK_SIGNING_OVERLAP_MS</code> sets how long both are valid.
        </span>
      </p>
      {isAgain && (
        <Notice tone="warn" title="The secret has just been rotated">
          <p>The new one was shown then, and only then. Rotate once more if it was not saved.</p>
        </Notice>
      )}
      {previousSecretUntil !== null && previousSecretUntil > now && (
        <Notice tone="warn" title="The last rotation is not over">
          <p>
            The previous secret also works until <When at={previousSecretUntil} now={now} />. Another rotation
            ends that at once: a receiver that knows only the previous secret then refuses every request.
          </p>
        </Notice>
      )}
    </QuestionPage>
  );
};

/** The confirmation is for this secret only: if the same form is sent again, the secret has changed. */
export function isAgreed(form: Form, api: CallbackApi): boolean {
  return hasSaidYes(form) && form.get('after') === rotationOf(api);
}

export function hasSaidYes(form: Form): boolean {
  return form.get('confirmed') === 'true';
}

/** A text that changes with each rotation. */
function rotationOf({ previousSecretUntil }: CallbackApi): string {
  return previousSecretUntil?.toISOString() ?? 'none';
}
