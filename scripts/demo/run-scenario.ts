import { randomBytes, randomUUID } from 'node:crypto';
import { Api } from './api.js';
import { deadline } from './deadline.js';
import type { Evidence, Result } from './evidence.js';
import { isAttempt, isLastEvent, resultOf, type LogLine } from './log-line.js';
import type { Arrival, ReceiverProcess } from './receiver-process.js';
import type { Scenario } from './scenarios.js';
import type { ServiceProcess } from './service-process.js';
import { report } from './terminal.js';

/** From the registration to the callback's end, ms; the longest scenario needs a third of it. */
const TIMEOUT_MS = 15_000;

/** @throws only the reason of `stop` */
export async function runScenario(
  scenario: Scenario,
  service: ServiceProcess,
  receiver: ReceiverProcess,
  stop: AbortSignal,
): Promise<Result> {
  try {
    return await play(scenario, service, receiver, stop);
  } catch (error) {
    stop.throwIfAborted();
    const reason = error instanceof Error ? error.message : String(error);
    const arrivals = receiver.arrivals.items.filter(({ path }) => path === scenario.path).length;
    return { kind: 'failed', scenario, reason, arrivals };
  }
}

/**
 * Registers an endpoint for a service of its own, reports a message's status like a provider, and follows the callback
 * to its end.
 */
async function play(
  scenario: Scenario,
  service: ServiceProcess,
  receiver: ReceiverProcess,
  stop: AbortSignal,
): Promise<Evidence> {
  const signal = AbortSignal.any([stop, deadline(TIMEOUT_MS, 'the callback did not come to an end')]);
  const api = new Api(service.url, signal);
  const serviceId = randomUUID();
  const token = randomBytes(24).toString('base64url');
  await api.registerCallbackApi(serviceId, {
    callback_type: 'delivery_status',
    url: receiver.url + scenario.path,
    bearer_token: token,
    updated_by_id: randomUUID(),
  });
  const message = {
    notification_type: scenario.notificationType,
    to: scenario.recipient,
    template_id: randomUUID(),
    template_version: 3,
    reference: `demo${scenario.path}`,
  };
  const onItsWay = { status: 'sending', sent_at: new Date().toISOString() };
  const id = await api.createNotification(serviceId, { ...message, ...onItsWay });
  const startedAt = performance.now();
  const callbackId = await api.sendReceipt(id, scenario.status);
  const lines = await follow(callbackId, service, signal);
  const durationMs = performance.now() - startedAt;
  const arrivals = await arrivalsOf(callbackId, lines, receiver, signal);
  const facts = { ...message, id, status: scenario.status };
  return { kind: 'seen', scenario, token, facts, arrivals, lines, durationMs };
}

/** Prints the lines of the log about a callback, up to the last one. */
async function follow(callbackId: string, service: ServiceProcess, signal: AbortSignal): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  for (;;) {
    const line = await service.log.waitFor(
      (all) => all.filter((candidate) => candidate.callback_id === callbackId)[lines.length],
      signal,
    );
    lines.push(line);
    if (line.event !== 'callback.queued') report('log', describe(line));
    if (isLastEvent(line)) return lines;
  }
}

function describe(line: LogLine): string {
  const words = [line.event, `attempt ${line.attempt}`, resultOf(line)];
  if (line.duration_ms !== undefined) words.push(`after ${line.duration_ms} ms`);
  if (line.next_attempt_at !== undefined) words.push(`next attempt at ${line.next_attempt_at}`);
  return words.join(', ');
}

/** Waits for the receiver's report of each attempt: it may come after the log line. */
async function arrivalsOf(
  callbackId: string,
  lines: readonly LogLine[],
  { arrivals }: ReceiverProcess,
  signal: AbortSignal,
): Promise<readonly Arrival[]> {
  const attempts = lines.filter(isAttempt).length;
  const ofThisCallback = (all: readonly Arrival[]) =>
    all.filter(({ headers }) => headers['webhook-id'] === callbackId);
  await arrivals.waitFor((all) => ofThisCallback(all).length >= attempts || undefined, signal);
  return ofThisCallback(arrivals.items);
}
