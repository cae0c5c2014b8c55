import { TextField } from '../page/fields.js';
import { Button } from '../page/form.js';
import { Layout } from '../page/layout.js';
import { PageHeader } from '../page/page-header.js';
import { paths } from '../paths.js';
import type { ConsoleSession } from '../session/console-session.js';
import { CallbackList, type CallbackListView } from './callback-list.js';

interface CallbacksPageProps {
  readonly session: ConsoleSession;
  readonly list: CallbackListView;
  /** An id that was looked for and is not there. */
  readonly missing: string | undefined;
}

export const CallbacksPage = ({ session, list, missing }: CallbacksPageProps) => (
  <Layout title="Callbacks" session={session} section="callbacks">
    <PageHeader
      title="Callbacks"
      aside={
        <form method="get" action={paths.callbacks} class="find" role="search">
          <TextField
            name="id"
            label="Find by callback id"
            value={missing}
            problem={missing === undefined ? undefined : 'There is no callback with this id'}
          />
          <Button>Find</Button>
        </form>
      }
    />
    <section aria-labelledby="callbacks">
      <h2 id="callbacks" class="visually-hidden">
        List of callbacks
      </h2>
      <CallbackList {...list} />
    </section>
  </Layout>
);
