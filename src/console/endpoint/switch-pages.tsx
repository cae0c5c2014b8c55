import type { CallbackApi } from '../../service-callbacks/endpoints/callback-api.repository.js';
import { QuestionPage } from '../page/question-page.js';
import { paths } from '../paths.js';
import type { ConsoleSession } from '../session/console-session.js';
import { atMost } from '../words/counts.js';
import { MAX_COUNTED } from './endpoint-limits.js';

interface SwitchPageProps {
  readonly session: ConsoleSession;
  readonly api: CallbackApi;
  /** Callbacks that are given up, or replayed, by the action; counted up to {@link MAX_COUNTED}. */
  readonly callbacks: number;
}

/** Asks for confirmation before waiting callbacks are given up. */
export const DisablePage = ({ session, api, callbacks }: SwitchPageProps) => {
  const own = paths.endpoint(api.serviceId, api.id);
  return (
    <QuestionPage
      session={session}
      section="overview"
      question="Disable this endpoint?"
      about={[api.url, own]}
      action={`${own}/disable`}
      yes="Disable"
      no="Leave it enabled"
    >
      <p>
        Nothing is sent to it until it is enabled again.{' '}
        {callbacks > 0 &&
          `${atMost(callbacks, MAX_COUNTED)} waiting ${callbacks === 1 ? 'callback is' : 'callbacks are'} given up. `}
        New callbacks are given up at once. All of them are kept, and can be replayed once it is enabled.
      </p>
    </QuestionPage>
  );
};

/** Asks for confirmation before many callbacks are sent again. */
export const EnableAndReplayPage = ({ session, api, callbacks }: SwitchPageProps) => {
  const own = paths.endpoint(api.serviceId, api.id);
  return (
    <QuestionPage
      session={session}
      section="overview"
      question={`Enable this endpoint and replay ${many(callbacks)}?`}
      about={[api.url, own]}
      action={`${own}/enable`}
      fields={{ replay: 'true' }}
      yes={`Enable and replay ${atMost(callbacks, MAX_COUNTED)}`}
      no="Leave it disabled"
    >
      <p>
        New callbacks are sent to it again, and those kept while it was disabled are replayed at a bounded
        rate. The replay can be watched and stopped.
      </p>
    </QuestionPage>
  );
};

function many(callbacks: number): string {
  return `${atMost(callbacks, MAX_COUNTED)} ${callbacks === 1 ? 'callback' : 'callbacks'}`;
}
