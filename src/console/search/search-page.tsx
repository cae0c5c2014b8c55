import type { ComponentChildren } from 'preact';
import type { LoggedCallback, SearchResult } from '../../service-callbacks/history/records.js';
import { CallbackState, outcomeWords } from '../callbacks/callback-state.js';
import { Badge } from '../page/badge.js';
import { DataTable } from '../page/data-table.js';
import { Id } from '../page/id.js';
import { Layout } from '../page/layout.js';
import { Notice } from '../page/notice.js';
import { PageHeader } from '../page/page-header.js';
import { When } from '../page/when.js';
import { paths, withQuery } from '../paths.js';
import type { ConsoleSession } from '../session/console-session.js';
import { counted } from '../words/counts.js';
import { typeWords } from '../words/failures.js';

interface SearchView {
  readonly session: ConsoleSession;
  readonly text: string;
  /** Undefined if there is no search text. */
  readonly result: SearchResult | undefined;
  readonly now: Date;
  readonly knowsReferences: boolean;
}

export const SearchPage = ({ session, text, result, now, knowsReferences }: SearchView) => (
  <Layout title={text === '' ? 'Search' : `Search: ${text}`} session={session} search={text}>
    <PageHeader title="Search" />
    {result === undefined || isEmpty(result) ? (
      <Nothing text={text} knowsReferences={knowsReferences} />
    ) : (
      <Found result={result} now={now} />
    )}
  </Layout>
);

const Nothing = ({ text, knowsReferences }: Pick<SearchView, 'text' | 'knowsReferences'>) => (
  <Notice tone="plain" title={text === '' ? 'Enter what to look for' : `Nothing found for “${text}”`}>
    <p>The search takes</p>
    <ul>
      <li>
        the id of a callback, an endpoint, a replay or a service, or at least its first eight characters,
      </li>
      <li>the id of a notification or another subject, or its beginning,</li>
      {knowsReferences && <li>the whole reference of a notification,</li>}
      <li>a part of the URL of an endpoint.</li>
    </ul>
    {text !== '' && (
      <p>It does not find what was removed after its retention, or belongs to another service.</p>
    )}
  </Notice>
);

const Found = ({ result: { callbacks, endpoints, services, replays }, now }: FoundProps) => (
  <>
    <Part id="callbacks" title="Callbacks" isThere={callbacks.length > 0}>
      <DataTable
        caption="Callbacks that match, newest first"
        hideCaption
        cards
        head={['Callback', 'State', 'Last response', 'Subject']}
      >
        {callbacks.map((callback) => (
          <Callback key={callback.id} callback={callback} now={now} />
        ))}
      </DataTable>
    </Part>
    <Part id="endpoints" title="Endpoints" isThere={endpoints.length > 0}>
      <DataTable caption="Endpoints that match" hideCaption cards head={['Endpoint', 'Id', 'Service']}>
        {endpoints.map(({ callbackApiId, serviceId, url, callbackType, disabledAt }) => (
          <tr key={callbackApiId}>
            <th scope="row">
              <a class="row-link" href={paths.endpoint(serviceId, callbackApiId)}>
                {url}
              </a>
              <span class="under">{typeWords(callbackType)}</span>
              {disabledAt !== null && <Badge tone="idle">Disabled</Badge>}
            </th>
            <td data-label="Id">
              <Id id={callbackApiId} what="endpoint" href={paths.endpoint(serviceId, callbackApiId)} />
            </td>
            <td data-label="Service">
              <Id id={serviceId} what="service" href={withQuery(paths.overview, { text: serviceId })} />
            </td>
          </tr>
        ))}
      </DataTable>
    </Part>
    <Part id="services" title="Services" isThere={services.length > 0}>
      <ul class="plain-list panel">
        {services.map(({ serviceId, endpoints: count }) => (
          <li key={serviceId}>
            <Id id={serviceId} what="service" href={withQuery(paths.overview, { text: serviceId })} isWhole />{' '}
            <span class="quiet">{counted(count, 'endpoint')}</span>
          </li>
        ))}
      </ul>
    </Part>
    <Part id="replays" title="Replays" isThere={replays.length > 0}>
      <ul class="plain-list panel">
        {replays.map(({ id, total, requestedAt }) => (
          <li key={id}>
            <Id id={id} what="replay" href={paths.replay(id)} />{' '}
            <span class="quiet">
              of {counted(total, 'callback')}, requested <When at={requestedAt} now={now} />
            </span>
          </li>
        ))}
      </ul>
    </Part>
  </>
);

type FoundProps = { readonly result: SearchResult } & Pick<SearchView, 'now'>;

interface PartProps {
  readonly id: string;
  readonly title: string;
  readonly isThere: boolean;
  readonly children: ComponentChildren;
}

const Part = ({ id, title, isThere, children }: PartProps) =>
  isThere ? (
    <section aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {children}
    </section>
  ) : null;

const Callback = ({ callback, now }: { readonly callback: LoggedCallback; readonly now: Date }) => {
  const { id, serviceId, subjectId, queuedAt, callbackType } = callback;
  return (
    <tr>
      <th scope="row">
        <Id id={id} what="callback" href={serviceId === null ? undefined : paths.callback(serviceId, id)} />
        <span class="under">
          {typeWords(callbackType)}, <When at={queuedAt} now={now} />
        </span>
      </th>
      <td data-label="State">
        <CallbackState state={callback.state} />
      </td>
      <td data-label="Response">{outcomeWords(callback)}</td>
      <td data-label="Subject">{subjectId === null ? '—' : <Id id={subjectId} what="subject" />}</td>
    </tr>
  );
};

function isEmpty({ callbacks, endpoints, services, replays }: SearchResult): boolean {
  return [callbacks, endpoints, services, replays].every((found) => found.length === 0);
}
