import { encodeLogCursor } from '../../service-callbacks/history/list-cursor.js';
import { Layout } from '../page/layout.js';
import { Live } from '../page/live.js';
import { PageHeader } from '../page/page-header.js';
import { When } from '../page/when.js';
import type { ConsoleSession } from '../session/console-session.js';
import { CallbackList, callbackListAddress, type CallbackListView } from './callback-list.js';

interface CallbacksPageProps {
  readonly session: ConsoleSession;
  readonly list: CallbackListView;
  /** The page does not refresh itself. */
  readonly isPaused: boolean;
}

export const CallbacksPage = ({ session, list, isPaused }: CallbacksPageProps) => {
  const here = callbackListAddress(list, list.query.after && encodeLogCursor(list.query.after));
  return (
    <Layout title="Callbacks" session={session} section="callbacks">
      <PageHeader title="Callbacks" />
      <Live id="callback-list" address={isPaused ? undefined : here}>
        <p class="quiet refresh">
          As of <When at={list.now} now={list.now} withDistance={false} /> UTC,{' '}
          {isPaused ? 'paused' : 'refreshed every 15 seconds where JavaScript runs'}.{' '}
          <a href={isPaused ? here : `${here}${here.includes('?') ? '&' : '?'}refresh=off`}>
            {isPaused ? 'Resume' : 'Pause'}
          </a>
        </p>
        <section aria-labelledby="callbacks">
          <h2 id="callbacks" class="visually-hidden">
            List of callbacks
          </h2>
          <CallbackList {...list} />
        </section>
      </Live>
    </Layout>
  );
};
