import type { TestResult } from '../../service-callbacks/test-callback/test-result.js';
import { Badge } from '../page/badge.js';
import { Notice } from '../page/notice.js';
import { duration } from '../words/durations.js';
import { attemptWords } from '../words/failures.js';

type Tls = NonNullable<TestResult['connection']['tls']>;

/** The result of a test callback. */
export const TestOutcome = ({ result }: { readonly result: TestResult | 'too_many' }) =>
  result === 'too_many' ? (
    <Notice tone="warn" title="Too many test callbacks">
      <p>Wait a minute before the next one.</p>
    </Notice>
  ) : (
    <Outcome result={result} />
  );

const Outcome = ({ result }: { readonly result: TestResult }) => {
  const { outcome, hint, connection, location, excerpt } = result;
  const isDelivered = outcome.kind === 'delivered';
  const summary = isDelivered
    ? attemptWords(outcome.statusCode, null)
    : attemptWords(outcome.failure.statusCode, outcome.failure.error);
  return (
    <section class="panel" aria-labelledby="test-result">
      <h2 id="test-result">Test callback</h2>
      <p class="lead">
        <Badge tone={isDelivered ? 'good' : 'bad'}>{summary}</Badge> {asSentence(hint)}
      </p>
      <dl class="facts">
        <dt>Took</dt>
        <dd>{duration(outcome.durationMs)}</dd>
        <dt>Address</dt>
        <dd>{connection.dialled ?? 'none was dialled'}</dd>
        {connection.tls !== null && (
          <>
            <dt>TLS</dt>
            <dd>{tlsWords(connection.tls)}</dd>
          </>
        )}
        {location !== null && (
          <>
            <dt>Redirects to</dt>
            <dd class="url">{location}</dd>
          </>
        )}
      </dl>
      {excerpt !== null && excerpt !== '' && (
        <>
          <h3>Response</h3>
          <pre class="code" tabIndex={0} role="region" aria-label="Response to the test callback">
            <code>{excerpt}</code>
          </pre>
        </>
      )}
    </section>
  );
};

/** A certificate may leave out any of its names. */
function tlsWords({ protocol, subject, names, issuer, validTo }: Tls): string {
  return [
    protocol ?? 'refused',
    `certificate${subject && ` of ${subject}`}${names && ` for ${names}`}`,
    ...(issuer ? [`issued by ${issuer}`] : []),
    `valid until ${validTo.toISOString().slice(0, 10)}`,
  ].join(', ');
}

/** A host name or an address at its beginning is not changed. */
function asSentence(words: string): string {
  const start = /^[a-z]+\b(?![.:-])/.test(words) ? words.charAt(0).toUpperCase() : words.charAt(0);
  return `${start}${words.slice(1)}${words.endsWith('?') ? '' : '.'}`;
}
