import { Fragment, type ComponentChildren } from 'preact';
import { Button, PostForm } from '../page/form.js';
import { Layout } from '../page/layout.js';
import { PageHeader } from '../page/page-header.js';
import { paths, withQuery } from '../paths.js';
import type { ConsoleSession } from '../session/console-session.js';
import { atMost } from '../words/counts.js';
import { reasonWords } from '../words/failures.js';
import { MAX_COUNTED } from './given-up-limits.js';
import type { GivenUpQuery } from './given-up-query.js';
import { filterFields } from './filter-fields.js';
import { HiddenFilter } from './hidden-filter.js';
import type { Selection } from './selection.js';

interface QuestionPageProps {
  readonly session: ConsoleSession;
  readonly verb: 'Replay' | 'Delete';
  readonly selection: Selection;
  readonly total: number;
  /** What happens after the confirmation. */
  readonly children: ComponentChildren;
}

/** Asks for confirmation before many given-up callbacks are replayed, or any is deleted. */
export const QuestionPage = ({ session, verb, selection, total, children }: QuestionPageProps) => {
  const { query, ids, now } = selection;
  const what = `${atMost(total, MAX_COUNTED)} given-up ${total === 1 ? 'callback' : 'callbacks'}`;
  const back = withQuery(paths.givenUp, filterFields(query));
  return (
    <Layout title={`${verb} ${what}?`} session={session} section="given-up">
      <PageHeader title={`${verb} ${what}?`} trail={[['Given up', paths.givenUp]]}>
        <p class="lead">{children}</p>
      </PageHeader>
      {ids === undefined && (
        <section class="panel" aria-labelledby="which">
          <h2 id="which">All that match now</h2>
          <Filter query={query} />
        </section>
      )}
      <PostForm action={`${paths.givenUp}/${verb.toLowerCase()}`} csrf={session.csrf} class="actions">
        <HiddenFilter query={query} />
        {ids?.map((id) => (
          <input key={id} type="hidden" name="id" value={id} />
        ))}
        <input type="hidden" name="which" value={ids === undefined ? 'all' : 'selected'} />
        <input type="hidden" name="asked" value={now.toISOString()} />
        <Button kind={verb === 'Delete' ? 'danger' : 'primary'} name="confirmed" value="true">
          {verb} {what}
        </Button>
        <a class="button" href={back}>
          Cancel
        </a>
      </PostForm>
    </Layout>
  );
};

/** The service and the filter of the selection. */
const Filter = ({ query: { scope, fields } }: { readonly query: GivenUpQuery }) => {
  const filter: readonly (readonly [string, string | undefined])[] = [
    ['Endpoint', fields.endpoint],
    ['Reason', fields.reason && reasonWords(fields.reason)],
    ['Given up since', fields.since && `${fields.since} UTC`],
    ['Until', fields.until && `${fields.until} UTC`],
  ];
  return (
    <dl class="facts">
      <dt>Service</dt>
      <dd>{scope === 'all' ? 'all services' : <code class="id">{scope.serviceId}</code>}</dd>
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
