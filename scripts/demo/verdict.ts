import type { Evidence, Result } from './evidence.js';
import { isAttempt, resultOf, type LogLine } from './log-line.js';
import type { Arrival } from './receiver-process.js';
import type { Scenario } from './scenarios.js';

/** pino's `error`; a service's broken server is a warning. */
const ERROR_LEVEL = 50;

/** What did not go as it should, in words; empty when everything did. */
export function problemsOf(result: Result): readonly string[] {
  const problems = result.kind === 'failed' ? [result.reason] : problemsOfEvidence(result);
  return problems.map((problem) => `${result.scenario.title}: ${problem}`);
}

function problemsOfEvidence(evidence: Evidence): string[] {
  return [
    ...problemsOfEnd(evidence),
    ...evidence.arrivals.flatMap((arrival, index) =>
      problemsOfRequest(arrival, evidence).map((problem) => `request ${index + 1}: ${problem}`),
    ),
  ];
}

/** Whether the receiver and the log tell the same story, and the one the scenario expects. */
function problemsOfEnd({ scenario, arrivals, lines }: Evidence): string[] {
  const received = arrivals.map(({ answer }) => String(answer));
  const logged = lines.filter(isAttempt).map(resultOf);
  return [
    ...differs('the last event of the log', lines.at(-1)?.event, scenario.endsWith),
    ...differs('what the receiver answered', received.join(', '), scenario.answers.join(', ')),
    ...differs('what the log says of each attempt', logged.join(', '), expectedResults(scenario).join(', ')),
  ];
}

function expectedResults({ answers }: Scenario): string[] {
  return answers.map((answer) => (answer === 'hang' ? 'timeout' : String(answer)));
}

function problemsOfRequest({ method, headers, body }: Arrival, evidence: Evidence): string[] {
  const { token, facts } = evidence;
  const sent = parse(body);
  return [
    ...differs('the method', method, 'POST'),
    ...differs('content-type', headers['content-type'], 'application/json'),
    ...(headers['authorization'] === `Bearer ${token}` ? [] : ['the bearer token is not the registered one']),
    ...Object.entries(facts).flatMap(([key, value]) => differs(`${key} in the body`, sent[key], value)),
  ];
}

function parse(body: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

/** No fault of the platform's own, and neither a token nor a recipient in any line. */
export function problemsOfLog(lines: readonly LogLine[], results: readonly Result[]): readonly string[] {
  const tokens = results.flatMap((result) => (result.kind === 'seen' ? [result.token] : []));
  const secrets = [...tokens, ...results.map(({ scenario }) => scenario.recipient)];
  return [
    ...lines
      .filter(({ level }) => level >= ERROR_LEVEL)
      .map((line) => `the service logged an error: ${JSON.stringify(line)}`),
    ...lines
      .filter((line) => secrets.some((secret) => JSON.stringify(line).includes(secret)))
      .map(({ event = 'a line' }) => `the log shows a token or a recipient in ${event}`),
  ];
}

function differs(what: string, actual: unknown, expected: unknown): string[] {
  if (actual === expected) return [];
  return [`${what} is ${JSON.stringify(actual)}, expected ${JSON.stringify(expected)}`];
}
