import { Fragment } from 'preact';
import { Button, PostForm } from '../page/form.js';
import { Layout } from '../page/layout.js';
import { PageHeader } from '../page/page-header.js';
import { paths, withQuery } from '../paths.js';
import type { ConsoleSession } from '../session/console-session.js';
import { atMost } from '../words/counts.js';
import { reasonWords } from '../words/failures.js';
import type { DeadLetterQuery } from './dead-letter-query.js';
import { MAX_COUNTED } from './dead-letter-limits.js';
import { filterFields } from './filter-fields.js';
import { HiddenFilter } from './hidden-filter.js';

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
  const trail = [['Dead letters', paths.deadLetters]] as const;
  if (total === 0) {
    return (
      <Layout title="Delete dead letters" session={session} section="dead-letters">
        <PageHeader title="There is nothing to delete" trail={trail}>
          <p class="lead">{ids === undefined ? 'No dead letter matches.' : 'They are gone already.'}</p>
        </PageHeader>
        <a class="button" href={withQuery(paths.deadLetters, filterFields(query))}>
          To the dead letters
        </a>
      </Layout>
    );
  }
  return (
    <Layout title="Delete dead letters" session={session} section="dead-letters">
      <PageHeader title={`Delete ${what}?`} trail={trail}>
        <p class="lead">
          They cannot be replayed afterwards. What happened to them stays in the list of callbacks.
        </p>
      </PageHeader>
      {ids === undefined && (
        <section class="panel" aria-labelledby="which">
          <h2 id="which">All that match now</h2>
          <WhichLetters query={query} />
        </section>
      )}
      <PostForm action={`${paths.deadLetters}/delete`} csrf={session.csrf} class="actions">
        <HiddenFilter query={query} />
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

/** Whose, and by which filter. */
const WhichLetters = ({ query: { scope, fields } }: Pick<DeletePageProps, 'query'>) => {
  const filter: readonly (readonly [string, string | undefined])[] = [
    ['Callback API', fields.endpoint],
    ['Reason', fields.reason && reasonWords(fields.reason)],
    ['Given up since', fields.since && `${fields.since} UTC`],
    ['Until', fields.until && `${fields.until} UTC`],
  ];
  return (
    <dl class="facts">
      <dt>Service</dt>
      <dd>{scope === 'all' ? "every service's" : <code class="id">{scope.serviceId}</code>}</dd>
      {filter.map(
        ([name, value]) =>
          value && (
            <Fragment key={name}>
              <dt>{name}</dt>
              <dd class="id">{value}</dd>
            </Fragment>
          ),
      )}
    </dl>
  );
};
