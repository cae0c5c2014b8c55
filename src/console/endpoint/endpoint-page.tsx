import type { CallbackApi } from '../../service-callbacks/endpoints/callback-api.repository.js';
import { encodeLogCursor } from '../../service-callbacks/history/list-cursor.js';
import type { EndpointFigures } from '../../service-callbacks/history/records.js';
import type { DisablePolicy } from '../../service-callbacks/endpoint-health/disable-policy.js';
import type { TestResult } from '../../service-callbacks/test-callback/test-result.js';
import { CallbackList, callbackListAddress, type CallbackListView } from '../callbacks/callback-list.js';
import { Badge } from '../page/badge.js';
import { OutcomesChart } from '../page/chart.js';
import { Figure } from '../page/figure.js';
import { Id } from '../page/id.js';
import { Layout } from '../page/layout.js';
import { Lasting, Live } from '../page/live.js';
import { PageHeader } from '../page/page-header.js';
import { When } from '../page/when.js';
import { paths, withQuery } from '../paths.js';
import type { ConsoleSession } from '../session/console-session.js';
import { atMost, counted, share } from '../words/counts.js';
import { latency, nextAttempt } from '../words/durations.js';
import { disabledWords, healthWords, waitingWords, type HealthWords } from '../words/endpoint-health.js';
import { typeWords } from '../words/failures.js';
import { MAX_COUNTED } from './endpoint-limits.js';
import { EndpointActions } from './endpoint-actions.js';
import { DoneNotice, SecretNotice, type Done } from './endpoint-notices.js';
import { TestOutcome } from './test-outcome.js';

export interface EndpointView {
  readonly session: ConsoleSession;
  readonly api: CallbackApi;
  readonly figures: EndpointFigures;
  /** The time at which it is disabled if it only fails. */
  readonly policy: DisablePolicy;
  /** Given-up callbacks that can be replayed, counted up to {@link MAX_COUNTED}. */
  readonly replayable: number;
  /** Those of them from the time in which it is disabled, likewise. */
  readonly kept: number;
  readonly list: CallbackListView;
  readonly now: Date;
  readonly done?: Done | undefined;
  /** The new signing secret, shown only once. */
  readonly secret?: string | undefined;
  readonly test?: TestResult | 'too_many' | undefined;
}

export const EndpointPage = (view: EndpointView) => {
  const { session, api, figures, replayable, kept, list, now } = view;
  const health = healthWords({ ...figures, disabledAt: api.disabledAt }, view.policy, now);
  // A secret that is shown only once must stay on the page when the session ends.
  const address =
    view.secret !== undefined
      ? undefined
      : callbackListAddress(list, list.query.after && encodeLogCursor(list.query.after));
  return (
    <Layout title={tabTitle(api, health)} session={session} section="overview">
      <Live id="endpoint" address={address}>
        <PageHeader title={api.url} trail={[['Overview', paths.overview]]}>
          <p class="lead">
            <Badge tone={health.tone}>{health.state}</Badge> {sentenceOf(view, health)}
          </p>
          <Facts {...view} />
        </PageHeader>
        <Lasting id="done">
          <DoneNotice done={view.done} isDisabled={api.disabledAt !== null} replayable={replayable} />
          {view.secret !== undefined && (
            <SecretNotice secret={view.secret} until={api.previousSecretUntil} now={now} />
          )}
        </Lasting>
        <EndpointActions {...{ session, api, replayable, kept }} />
        <Lasting id="test-outcome">{view.test !== undefined && <TestOutcome result={view.test} />}</Lasting>
        <dl class="figures" aria-label="Figures">
          <SuccessRate figures={figures} />
          <Figure
            name="Waiting"
            value={atMost(figures.backlog, MAX_COUNTED)}
            note="with retrying and deferred"
          />
          <Figure
            name="Given up"
            value={<a href={givenUpOf(api)}>{atMost(replayable, MAX_COUNTED)}</a>}
            note="can be replayed"
            tone={replayable > 0 ? 'warn' : undefined}
          />
          <Figure name="Response time, p50" value={latency(figures.answerMs.p50)} note="24 hours" />
          <Figure name="Response time, p99" value={latency(figures.answerMs.p99)} note="24 hours" />
          {api.disabledAt === null ? <Circuit figures={figures} now={now} /> : <Off />}
        </dl>
        <OutcomesChart title="Last 24 hours" id="last-day" series={figures.hours} per="hour" />
        <section aria-labelledby="callbacks">
          <h2 id="callbacks">Callbacks</h2>
          <CallbackList {...list} />
        </section>
      </Live>
    </Layout>
  );
};

/** The first characters of the titles distinguish tabs of several endpoints. */
function tabTitle({ url, callbackType }: CallbackApi, { state }: HealthWords): string {
  const { host, pathname } = new URL(url);
  return `${state}: ${host}${pathname}, ${typeWords(callbackType)}`;
}

const Facts = ({ api, now }: EndpointView) => (
  <dl class="facts-in-line">
    <div>
      <dt>Type</dt>
      <dd>{typeWords(api.callbackType)}</dd>
    </div>
    <div>
      <dt>Endpoint id</dt>
      <dd>
        <Id id={api.id} what="endpoint" isWhole />
      </dd>
    </div>
    <div>
      <dt>Service id</dt>
      <dd>
        <Id
          id={api.serviceId}
          what="service"
          href={withQuery(paths.overview, { text: api.serviceId })}
          isWhole
        />
      </dd>
    </div>
    <div>
      <dt>Created</dt>
      <dd>
        <When at={api.createdAt} now={now} />
      </dd>
    </div>
    <div>
      <dt>Changed</dt>
      <dd>{api.updatedAt === null ? 'never' : <When at={api.updatedAt} now={now} />}</dd>
    </div>
    <div>
      <dt>As of</dt>
      <dd>
        <When at={now} now={now} withDistance={false} /> UTC
      </dd>
    </div>
  </dl>
);

/** A share of attempts: a callback with three attempts succeeded once. */
const SuccessRate = ({ figures: { hours } }: Pick<EndpointView, 'figures'>) => {
  const succeeded = hours.reduce((sum, { delivered }) => sum + delivered, 0);
  const attempts = succeeded + hours.reduce((sum, { failed }) => sum + failed, 0);
  return (
    <Figure
      name="Success rate"
      value={share(succeeded, attempts)}
      note={attempts === 0 ? 'no attempt in 24 hours' : `of ${counted(attempts, 'attempt')} in 24 hours`}
    />
  );
};

/** "Failing since 09:14: 503 Service Unavailable, 57 attempts in a row; 412 callbacks waiting; next attempt …" */
function sentenceOf({ api, figures, now }: EndpointView, { sentence }: HealthWords): string {
  if (api.disabledAt !== null) return `${sentence}. ${disabledWords(api.disabledReason)}`;
  const waiting = waitingWords(figures, now);
  return `${[sentence, waiting].filter(Boolean).join('; ')}.`;
}

const Circuit = ({ figures, now }: Pick<EndpointView, 'figures' | 'now'>) => (
  <Figure
    name="Circuit"
    value={figures.circuit === null ? 'closed' : figures.circuit.state.replace('_', '-')}
    note={circuitNote(figures, now)}
    tone={figures.circuit === null ? undefined : 'bad'}
  />
);

/** A disabled endpoint gets no attempts, whatever its circuit is. */
const Off = () => <Figure name="Circuit" value="—" note="disabled: nothing is sent" />;

function circuitNote({ circuit }: EndpointFigures, now: Date): string {
  if (circuit === null) return 'attempts go through';
  if (circuit.until === null) return 'probe or release under way';
  return nextAttempt(circuit.until, now);
}

function givenUpOf({ id, serviceId }: CallbackApi): string {
  return `${paths.givenUp}?${new URLSearchParams({ service: serviceId, endpoint: id }).toString()}`;
}
