import type { Evidence, Result } from './evidence.js';
import { isAttempt, resultOf, type LogLine } from './log-line.js';
import type { Arrival } from './receiver-process.js';
import type { Scenario } from './scenarios.js';

/** pino's `error`; a service's broken server is a warning. */
const ERROR_LEVEL = 50;

/** What did not go as expected, in words; empty if everything did. */
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

/** Compares the receiver and the log with the scenario. */
function problemsOfEnd({ scenario, arrivals, lines }: Evidence): string[] {
  const received = arrivals.map(({ response }) => String(response));
  const logged = lines.filter(isAttempt).map(resultOf);
  return [
    ...differs('the last event of the log', lines.at(-1)?.event, scenario.endsWith),
    ...differs('the responses of the receiver', received.join(', '), scenario.responses.join(', ')),
    ...differs('the results in the log', logged.join(', '), expectedResults(scenario).join(', ')),
  ];
}

function expectedResults({ responses }: Scenario): string[] {
  return responses.map((response) => (response === 'hang' ? 'timeout' : String(response)));
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

/** The log must have no error of the platform, and no line with a token or a recipient. */
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
