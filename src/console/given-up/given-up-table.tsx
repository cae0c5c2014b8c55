import type { DeadLetter } from '../../service-callbacks/history/dead-letter.repository.js';
import { DataTable } from '../page/data-table.js';
import { When } from '../page/when.js';
import { paths, withQuery } from '../paths.js';
import { can, type ConsoleSession } from '../session/console-session.js';
import { count } from '../words/counts.js';
import { attemptWords, reasonWords, typeWords } from '../words/failures.js';
import { shortId } from '../words/ids.js';

interface GivenUpTableProps {
  readonly session: ConsoleSession;
  readonly callbacks: readonly DeadLetter[];
  readonly now: Date;
}

/** Given-up callbacks, with boxes to tick where the token may do something with them. */
export const GivenUpTable = ({ session, callbacks, now }: GivenUpTableProps) => {
  const maySelect = can(session, 'dead-letters:replay');
  const isOperator = session.caller.serviceId === undefined;
  return (
    <DataTable
      caption="Given-up callbacks, newest first"
      hideCaption
      cards
      head={[
        ...(maySelect ? [<span class="visually-hidden">Select</span>] : []),
        'Given up',
        'Reason',
        'Endpoint',
        ...(isOperator ? ['Service'] : []),
        'Attempts',
      ]}
      numeric={[3 + Number(maySelect) + Number(isOperator)]}
    >
      {callbacks.map((callback) => (
        <Row key={callback.id} {...{ callback, now, maySelect, isOperator }} />
      ))}
    </DataTable>
  );
};

interface RowProps {
  readonly callback: DeadLetter;
  readonly now: Date;
  readonly maySelect: boolean;
  readonly isOperator: boolean;
}

const Row = ({ callback, now, maySelect, isOperator }: RowProps) => {
  const { id, serviceId, givenUpAt, callbackType, attempts } = callback;
  const last = attempts.at(-1);
  return (
    <tr>
      {maySelect && (
        <td class="select">
          <label class="check">
            <input type="checkbox" name="id" value={id} />
            <span class="visually-hidden">Callback {shortId(id)}</span>
          </label>
        </td>
      )}
      <th scope="row">
        {serviceId === null ? (
          <When at={givenUpAt} now={now} />
        ) : (
          <a class="row-link" href={paths.callback(serviceId, id)}>
            <When at={givenUpAt} now={now} />
          </a>
        )}
        {!callback.hasPayload && <span class="under">cannot be replayed</span>}
      </th>
      <td data-label="Reason">
        {reasonWords(callback.reason)}
        <span class="under">
          {callback.detail ??
            (last === undefined ? 'not attempted' : attemptWords(last.status_code, last.error))}
        </span>
      </td>
      <td data-label="Endpoint">
        <Endpoint callback={callback} />
        <span class="under">{typeWords(callbackType)}</span>
      </td>
      {isOperator && (
        <td data-label="Service">
          {serviceId === null ? (
            '—'
          ) : (
            <a href={withQuery(paths.givenUp, { service: serviceId })} title={serviceId}>
              <code>{shortId(serviceId)}</code>
            </a>
          )}
        </td>
      )}
      <td data-label="Attempts" class="number">
        {count(attempts.length)}
      </td>
    </tr>
  );
};

const Endpoint = ({
  callback: { serviceId, callbackApiId, url, isEndpointDeleted },
}: Pick<RowProps, 'callback'>) =>
  serviceId === null || callbackApiId === null || isEndpointDeleted ? (
    <span class="url">
      {url ?? '—'}
      {isEndpointDeleted && ' (deleted)'}
    </span>
  ) : (
    <a class="url" href={paths.endpoint(serviceId, callbackApiId)}>
      {url ?? 'its endpoint'}
    </a>
  );
