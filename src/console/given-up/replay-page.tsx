import type { CallbackApi } from '../../service-callbacks/endpoints/callback-api.repository.js';
import type { LogState } from '../../service-callbacks/history/records.js';
import type { ReplayRun } from '../../service-callbacks/replay/replay-run.repository.js';
import { Badge } from '../page/badge.js';
import { Button, PostForm } from '../page/form.js';
import { Layout } from '../page/layout.js';
import { Notice } from '../page/notice.js';
import { PageHeader } from '../page/page-header.js';
import { When } from '../page/when.js';
import { paths, withQuery } from '../paths.js';
import { can, type ConsoleSession } from '../session/console-session.js';
import { count, counted, rate } from '../words/counts.js';
import { duration } from '../words/durations.js';
import type { GivenUpQuery } from './given-up-query.js';
import { filterFields } from './filter-fields.js';
import { progressOf, type ReplayProgress } from './replay-progress.js';

interface ReplayPageProps {
  readonly session: ConsoleSession;
  readonly run: ReplayRun;
  /** The filter of what was replayed, from the address. */
  readonly query: GivenUpQuery;
  /** The endpoint, if the replay is of one only. */
  readonly api: CallbackApi | null;
  readonly now: Date;
  /** Its endpoint has just been enabled. */
  readonly isEnabled: boolean;
}

/** Refreshes its progress by htmx, or without JavaScript the whole page. */
export const ReplayPage = ({ session, run, query, api, now, isEnabled }: ReplayPageProps) => {
  const progress = progressOf(run);
  const isRunning = progress.state === 'running';
  const isMoving = isRunning || run.underWay > 0;
  const filter = filterFields(query);
  const address = withQuery(paths.replay(run.id), filter);
  const callbacks = (state?: LogState) => withQuery(paths.callbacks, { replay: run.id, state });
  return (
    <Layout title="Replay" session={session} section="given-up" reloadSeconds={isMoving ? 2 : undefined}>
      <PageHeader title={`Replay of ${counted(run.total, 'callback')}`} trail={[['Given up', paths.givenUp]]}>
        <p class="quiet">
          Requested <When at={run.requestedAt} now={now} />
        </p>
      </PageHeader>
      {isEnabled && (
        <Notice tone="good" title="The endpoint is enabled">
          <p>Callbacks are sent to it again. Those it missed are replayed.</p>
        </Notice>
      )}
      <section
        id="progress"
        class="panel progress"
        aria-label="Progress"
        {...(isMoving && {
          'hx-get': address,
          'hx-trigger': 'every 1s',
          'hx-select': '#progress',
          'hx-target': 'this',
          'hx-swap': 'outerHTML',
        })}
      >
        <p class="lead" role="status">
          <State progress={progress} /> {sentence(run, progress)}
        </p>
        <progress max={run.total} value={progress.done} aria-label="Finished">
          {count(progress.done)} of {count(run.total)}
        </progress>
        <dl class="facts">
          <dt>Delivered</dt>
          <dd>
            <a href={callbacks('delivered')}>{count(run.delivered)}</a>
          </dd>
          <dt>On their way</dt>
          <dd>
            <a href={callbacks()}>{count(run.underWay)}</a>
          </dd>
          <dt>Given up again</dt>
          <dd>
            <a href={callbacks('given_up')}>{count(run.givenUp)}</a>
          </dd>
          <dt>Still to be sent</dt>
          <dd>{count(run.waiting)}</dd>
          <dt>Could not be replayed</dt>
          <dd>{count(run.refused)}</dd>
          <dt>Rate</dt>
          <dd>{progress.perSecond === null ? '—' : `${rate(progress.perSecond)} a second`}</dd>
          <dt>Time left</dt>
          <dd>{progress.msLeft === null ? '—' : duration(Math.max(1_000, progress.msLeft))}</dd>
        </dl>
        <div class="actions">
          {isRunning && can(session, 'dead-letters:replay') && (
            <PostForm action={withQuery(`${paths.replay(run.id)}/stop`, filter)} csrf={session.csrf}>
              <Button kind="danger">Stop</Button>
            </PostForm>
          )}
          <a class="button" href={callbacks()}>
            See the callbacks
          </a>
          {api !== null && (
            <a class="button" href={paths.endpoint(api.serviceId, api.id)}>
              To the endpoint
            </a>
          )}
        </div>
      </section>
    </Layout>
  );
};

const State = ({ progress: { state } }: { readonly progress: ReplayProgress }) => {
  switch (state) {
    case 'running':
    case 'arriving':
      return <Badge tone="plain">Under way</Badge>;
    case 'stopped':
      return <Badge tone="idle">Stopped</Badge>;
    case 'done':
      return <Badge tone="good">Done</Badge>;
  }
};

function sentence({ total, delivered, refused, givenUp }: ReplayRun, { state }: ReplayProgress): string {
  const done = `${count(delivered)} of ${count(total)} delivered`;
  if (state === 'running' || state === 'arriving') return `${done} so far.`;
  if (state === 'stopped') return `${done}; those that were still to be sent stay given up.`;
  if (delivered === total) return `All ${count(total)} delivered.`;
  const rest = [
    ...(givenUp > 0 ? [`${count(givenUp)} given up again`] : []),
    ...(refused > 0 ? [`${count(refused)} could not be replayed`] : []),
  ];
  return `${[done, ...rest].join('; ')}.`;
}
