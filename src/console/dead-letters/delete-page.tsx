import { Button, PostForm } from '../page/form.js';
import { Layout } from '../page/layout.js';
import { PageHeader } from '../page/page-header.js';
import { paths, withQuery } from '../paths.js';
import type { ConsoleSession } from '../session/console-session.js';
import { atMost } from '../words/counts.js';
import type { DeadLetterQuery } from './dead-letter-query.js';
import { MAX_COUNTED } from './dead-letter-limits.js';
import { filterFields } from './filter-fields.js';

interface DeletePageProps {
  readonly session: ConsoleSession;
  readonly query: DeadLetterQuery;
  /** Undefined: all that match. */
  readonly ids: readonly string[] | undefined;
  readonly total: number;
  /** When they were counted: what comes later is not among them. */
  readonly now: Date;
}

/** Asks before anything is gone. */
export const DeletePage = ({ session, query, ids, total, now }: DeletePageProps) => {
  const what = `${atMost(total, MAX_COUNTED)} dead ${total === 1 ? 'letter' : 'letters'}`;
  return (
    <Layout title="Delete dead letters" session={session} section="dead-letters">
      <PageHeader title={`Delete ${what}?`} trail={[['Dead letters', paths.deadLetters]]}>
        <p class="lead">
          {ids === undefined ? 'All that match the filter now. ' : ''}They cannot be replayed afterwards. The
          delivery log keeps what happened to them.
        </p>
      </PageHeader>
      <PostForm action={`${paths.deadLetters}/delete`} csrf={session.csrf} class="actions">
        {Object.entries(filterFields(query)).map(
          ([name, value]) => value && <input key={name} type="hidden" name={name} value={value} />,
        )}
        {ids?.map((id) => (
          <input key={id} type="hidden" name="id" value={id} />
        ))}
        <input type="hidden" name="which" value={ids === undefined ? 'all' : 'selected'} />
        <input type="hidden" name="asked" value={now.toISOString()} />
        <Button kind="danger" name="confirmed" value="true">
          Delete {what}
        </Button>
        <a class="button" href={withQuery(paths.deadLetters, filterFields(query))}>
          Keep them
        </a>
      </PostForm>
    </Layout>
  );
};
