import type { EndpointSummary } from '../../service-callbacks/callbacks/records.js';
import type { DisablePolicy } from '../../service-callbacks/endpoint-health/disable-policy.js';
import { Badge } from '../page/badge.js';
import { DataTable } from '../page/data-table.js';
import { Empty } from '../page/notice.js';
import { paths } from '../paths.js';
import type { ConsoleSession } from '../session/console-session.js';
import { count } from '../words/counts.js';
import { healthWords } from '../words/endpoint-health.js';
import { typeWords } from '../words/failures.js';

interface EndpointsProps {
  readonly session: ConsoleSession;
  readonly now: Date;
  readonly policy: DisablePolicy;
  /** Worst first. */
  readonly endpoints: readonly EndpointSummary[];
}

export const EndpointsTable = ({ session, now, policy, endpoints }: EndpointsProps) => {
  if (endpoints.length === 0) {
    return (
      <Empty title="There are no endpoints yet">
        <p>
          Register one with <code>POST /service/:service_id/callback-api</code>; it appears here at once.
        </p>
      </Empty>
    );
  }
  const isOperator = session.caller.serviceId === undefined;
  const head = [
    'Endpoint',
    ...(isOperator ? ['Service'] : []),
    'State',
    'Delivered',
    'Failed attempts',
    'Given up',
  ];
  const first = isOperator ? 3 : 2;
  return (
    <DataTable
      caption="Endpoints; numbers of the last 24 hours"
      cards
      head={head}
      numeric={[first, first + 1, first + 2]}
    >
      {endpoints.map((endpoint) => (
        <EndpointRow key={endpoint.callbackApiId} {...{ endpoint, now, policy, isOperator }} />
      ))}
    </DataTable>
  );
};

interface EndpointRowProps extends Pick<EndpointsProps, 'now' | 'policy'> {
  readonly endpoint: EndpointSummary;
  readonly isOperator: boolean;
}

const EndpointRow = ({ endpoint, now, policy, isOperator }: EndpointRowProps) => {
  const { tone, state, sentence } = healthWords(endpoint, policy, now);
  const { callbackApiId, serviceId, url, callbackType, day } = endpoint;
  return (
    <tr id={`endpoint-${callbackApiId}`}>
      <th scope="row">
        <a class="row-link" href={paths.endpoint(serviceId, callbackApiId)}>
          {url}
        </a>
        <span class="under">{typeWords(callbackType)}</span>
      </th>
      {isOperator && (
        <td data-label="Service">
          <code title={serviceId}>{serviceId.slice(0, 8)}</code>
        </td>
      )}
      <td data-label="State">
        <Badge tone={tone}>{state}</Badge>
        <span class="under">{sentence}</span>
      </td>
      <td data-label="Delivered" class="number">
        {count(day.delivered)}
      </td>
      <td data-label="Failed attempts" class="number">
        {count(day.failed)}
      </td>
      <td data-label="Given up" class="number">
        {count(day.givenUp)}
      </td>
    </tr>
  );
};
