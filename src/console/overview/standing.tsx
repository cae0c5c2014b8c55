import type { Overview } from '../../service-callbacks/history/records.js';
import { Badge, BadgeLink } from '../page/badge.js';
import { Notice } from '../page/notice.js';
import type { Tone } from '../words/tone.js';
import { count, counted } from '../words/counts.js';
import { duration } from '../words/durations.js';
import { failureWords } from '../words/failures.js';
import { overviewAddress } from './overview-query.js';

/** A longer wait is a problem of the platform, ms. */
export const LATE_MS = 60_000;

/** How many kinds of failure are named. */
const NAMED = 4;

interface StandingProps {
  readonly overview: Overview;
}

/** One line for the state of the platform, and one for the receivers. */
export const Standing = ({ overview }: StandingProps) => {
  const { failing, disabledEndpoints, allEndpoints } = overview;
  const total = failing.reduce((sum, { endpoints }) => sum + endpoints, 0);
  return (
    <p class="lead standing">
      {overview.processes !== null && <Platform overview={overview} />}
      {total > 0 && (
        <span>
          <BadgeLink tone="bad" href={listOf('failing')}>
            {counted(total, 'endpoint')} failing
          </BadgeLink>{' '}
          {failing
            .slice(0, NAMED)
            .map(({ failure, endpoints }) => `${count(endpoints)} × ${failureWords(failure ?? 'unknown')}`)
            .join(', ')}
          {failing.length > NAMED && ' …'}
        </span>
      )}
      {disabledEndpoints > 0 && (
        <BadgeLink tone="idle" href={listOf('disabled')}>
          {count(disabledEndpoints)} disabled
        </BadgeLink>
      )}
      {total === 0 && disabledEndpoints === 0 && allEndpoints > 0 && (
        <Badge tone="good">No endpoint is failing</Badge>
      )}
    </p>
  );
};

const Platform = ({ overview }: StandingProps) => {
  const [tone, words] = platformWords(overview);
  return <Badge tone={tone}>{words}</Badge>;
};

function platformWords({ processes, oldestDueMs }: Overview): readonly [Tone, string] {
  if (processes === 0) return ['bad', 'Platform: no worker'];
  if (oldestDueMs !== null && oldestDueMs > LATE_MS) return ['warn', 'Platform late'];
  return ['good', 'Platform well'];
}

/** Problems of the platform, for its operators. */
export const PlatformNotices = ({ overview: { processes, droppedFacts, oldestDueMs } }: StandingProps) => (
  <>
    {processes === 0 && (
      <Notice tone="bad" title="No worker process is running">
        <p>Callbacks are accepted and wait. Start a process with PROCESS_ROLE=worker or all.</p>
      </Notice>
    )}
    {oldestDueMs !== null && oldestDueMs > LATE_MS && (
      <Notice tone="warn" title={`A callback that is due has waited for ${duration(oldestDueMs)}`}>
        <p>The workers do not keep up, or do not take jobs. Look at their log and at /health/ready.</p>
      </Notice>
    )}
    {droppedFacts !== null && droppedFacts > 0 && (
      <Notice tone="warn" title={`${counted(droppedFacts, 'event')} could not be counted`}>
        <p>Deliveries are not affected; the figures of that time are incomplete.</p>
      </Notice>
    )}
  </>
);

function listOf(state: 'failing' | 'disabled'): string {
  return `${overviewAddress({ state })}#endpoints`;
}
