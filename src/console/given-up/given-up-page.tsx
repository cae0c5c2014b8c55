import type { DeadLetter } from '../../service-callbacks/history/dead-letter.repository.js';
import { GIVE_UP_REASONS } from '../../service-callbacks/callbacks/callback.js';
import type { RunningReplay } from '../../service-callbacks/replay/replay-run.repository.js';
import { Select, TextField } from '../page/fields.js';
import { Button, PostForm } from '../page/form.js';
import { Layout } from '../page/layout.js';
import { Empty, Notice } from '../page/notice.js';
import { PageHeader } from '../page/page-header.js';
import { Pager } from '../page/pager.js';
import { paths, withQuery } from '../paths.js';
import { can, type ConsoleSession } from '../session/console-session.js';
import { atMost, count, counted } from '../words/counts.js';
import { reasonWords } from '../words/failures.js';
import { filterFields } from './filter-fields.js';
import { HiddenFilter } from './hidden-filter.js';
import { isUnderstood, type GivenUpQuery } from './given-up-query.js';
import { MAX_COUNTED } from './given-up-limits.js';
import { GivenUpTable } from './given-up-table.js';
import type { Undone } from './selection.js';

export interface GivenUpView {
  readonly session: ConsoleSession;
  readonly query: GivenUpQuery;
  readonly callbacks: readonly DeadLetter[];
  /** How many match, counted up to {@link MAX_COUNTED}. */
  readonly total: number;
  /** Cursor of the next page. */
  readonly next: string | null;
  readonly runs: readonly RunningReplay[];
  readonly now: Date;
  /** How many were deleted just now. */
  readonly deleted: string | undefined;
  /** Why the form did nothing, as the address says. */
  readonly undone: string | undefined;
}

const UNDONE: Readonly<Record<Undone, string>> = {
  none_selected: 'Select at least one callback',
  none_replayable:
    'None of them can be replayed now: their endpoint is disabled or deleted, their body is not kept any more, or a replay was requested',
  none_left: 'They are gone already',
};

export const GivenUpPage = (view: GivenUpView) => {
  const { session, query, callbacks, total, next, runs, deleted } = view;
  const undone = Object.entries(UNDONE).find(([why]) => why === view.undone)?.[1];
  const address = (after?: string) => withQuery(paths.givenUp, { ...filterFields(query), after });
  const isFiltered = Object.values(filterFields(query)).some(Boolean) || !isUnderstood(query);
  return (
    <Layout title="Given up" session={session} section="given-up">
      <PageHeader title="Given up">
        <p class="quiet">Callbacks that were given up and not replayed since. They can be sent again.</p>
      </PageHeader>
      {deleted !== undefined && (
        <Notice tone="good" title={`${counted(Number(deleted), 'given-up callback')} deleted`} />
      )}
      {undone !== undefined && <Notice tone="warn" title={undone} />}
      {runs.length > 0 && <Running runs={runs} />}
      <Filter query={query} isFiltered={isFiltered} isOperator={session.caller.serviceId === undefined} />
      {callbacks.length === 0 ? (
        <Empty title={isFiltered ? 'No given-up callback matches' : 'No callback is given up'}>
          <p>
            {isFiltered ? 'Widen the filter, or clear it.' : 'Callbacks that are given up are listed here.'}
          </p>
        </Empty>
      ) : (
        <PostForm action={paths.givenUp} csrf={session.csrf} class="given-up">
          <HiddenFilter query={query} />
          {can(session, 'dead-letters:replay') && <Actions {...{ total, isFiltered }} />}
          <GivenUpTable session={session} callbacks={callbacks} now={view.now} />
        </PostForm>
      )}
      <Pager
        first={query.after === undefined ? null : address()}
        next={next === null ? null : address(next)}
        what="given-up callbacks"
      />
    </Layout>
  );
};

const Running = ({ runs }: Pick<GivenUpView, 'runs'>) => (
  <Notice tone="plain" title={runs.length === 1 ? 'A replay is under way' : 'Replays are under way'}>
    <ul>
      {runs.map(({ id, queued, refused, total }) => (
        <li key={id}>
          <a href={paths.replay(id)}>
            {count(queued + refused)} of {count(total)} done
          </a>
        </li>
      ))}
    </ul>
  </Notice>
);

interface FilterProps extends Pick<GivenUpView, 'query'> {
  readonly isFiltered: boolean;
  readonly isOperator: boolean;
}

const Filter = ({ query: { fields, problems }, isFiltered, isOperator }: FilterProps) => (
  <form method="get" action={paths.givenUp} class="filter" aria-label="Filter given-up callbacks">
    {isOperator && (
      <TextField name="service" label="Service id" value={fields.service} problem={problems.service} />
    )}
    <TextField name="endpoint" label="Endpoint id" value={fields.endpoint} problem={problems.endpoint} />
    <Select
      name="reason"
      label="Reason"
      value={fields.reason}
      problem={problems.reason}
      options={[['', 'Any'], ...GIVE_UP_REASONS.map((reason) => [reason, reasonWords(reason)] as const)]}
    />
    <TextField
      name="since"
      label="Given up since (UTC)"
      value={fields.since}
      isTime
      problem={problems.since}
    />
    <TextField name="until" label="Until (UTC)" value={fields.until} isTime problem={problems.until} />
    <div class="filter-buttons">
      <Button>Filter</Button>
      {isFiltered && <a href={paths.givenUp}>Clear</a>}
    </div>
  </form>
);

interface ActionsProps extends Pick<GivenUpView, 'total'> {
  readonly isFiltered: boolean;
}

/** One selection for both: those that are ticked, or all that match. Each leads to a confirmation page. */
const Actions = ({ total, isFiltered }: ActionsProps) => (
  <div class="actions" role="group" aria-label="Actions">
    <label class="check all">
      <input type="checkbox" name="which" value="all" />
      All {atMost(total, MAX_COUNTED)}
      {isFiltered && ' that match'}
    </label>
    <Button kind="primary" formaction={`${paths.givenUp}/replay`}>
      Replay selected
    </Button>
    <Button kind="danger" isApart formaction={`${paths.givenUp}/delete`}>
      Delete selected
    </Button>
  </div>
);
