import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { MetadataScanner, ModulesContainer } from '@nestjs/core';
import { describeError } from '../../observability/describe-error.js';
import { assertNoFaults } from '../setup-error.js';
import type { CallbackEventName, CallbackEvents } from './callback-events.js';
import { ON_CALLBACK } from './on-callback.decorator.js';

/** Handlers that run at once. They share the host's connections with the deliveries. */
const CONCURRENCY = 16;
/** Calls that wait for a free handler; further calls are left out. */
const MAX_WAITING = 10_000;
/** How long a stop waits for handlers, ms. */
const MAX_FINISH_MS = 3_000;

interface Handler {
  /** Class and method, for the log. */
  readonly name: string;
  readonly call: (event: unknown) => unknown;
}

interface Call {
  readonly handler: Handler;
  readonly name: CallbackEventName;
  readonly event: unknown;
}

/** Finds the `@OnCallback` methods of the application and calls them. Only a stop waits for them. */
@Injectable()
export class CallbackHandlers implements OnModuleInit {
  private readonly logger = new Logger('ServiceCallbacks');
  private readonly handlers = new Map<CallbackEventName, Handler[]>();
  private readonly waiting: Call[] = [];
  private readonly runners = new Set<Promise<void>>();
  private isOverloaded = false;

  constructor(private readonly modules: ModulesContainer) {}

  /** @throws SetupError naming each handler that cannot be called */
  onModuleInit(): void {
    const faults: string[] = [];
    for (const { owner, method, name, names } of decoratedMethods(this.modules)) {
      if (owner === undefined)
        faults.push(
          `${name} handles events of callbacks, which belong to no request, but its class is made per request: move ` +
            'the method to a provider of the default scope',
        );
      const handler: Handler = { name, call: (event) => method.call(owner, event) };
      for (const event of names) this.handlers.set(event, [...(this.handlers.get(event) ?? []), handler]);
    }
    assertNoFaults(faults);
  }

  /** @param event a function; it is called only if the event has a handler */
  emit<Name extends CallbackEventName>(name: Name, event: () => CallbackEvents[Name]): void {
    const handlers = this.handlers.get(name);
    if (handlers === undefined) return;
    const made = event();
    for (const handler of handlers) this.add({ handler, name, event: made });
  }

  /** Resolves when no handler runs or waits, or after a limit. */
  async finish(): Promise<void> {
    await Promise.race([Promise.all(this.runners), sleep(MAX_FINISH_MS, undefined, { ref: false })]);
  }

  private add(call: Call): void {
    if (this.runners.size < CONCURRENCY) this.start(call);
    else if (this.waiting.length < MAX_WAITING) this.waiting.push(call);
    else this.leaveOut(call);
  }

  private start(call: Call): void {
    const runner = this.runAll(call).finally(() => this.runners.delete(runner));
    this.runners.add(runner);
  }

  private async runAll(first: Call): Promise<void> {
    // In another turn: the caller's callback must not wait for it.
    await Promise.resolve();
    for (let call: Call | undefined = first; call !== undefined; call = this.waiting.shift())
      await this.run(call);
    this.isOverloaded = false;
  }

  private async run({ handler, name, event }: Call): Promise<void> {
    try {
      await handler.call(event);
    } catch (error) {
      this.logger.error({
        event: 'handler.failed',
        handler: handler.name,
        callback_event: name,
        err: describeError(error),
        msg: 'A handler of events failed',
      });
    }
  }

  /** Logged once, until the handlers have caught up. */
  private leaveOut({ handler, name }: Call): void {
    if (!this.isOverloaded)
      this.logger.error({
        event: 'handler.overloaded',
        handler: handler.name,
        callback_event: name,
        msg: `Handlers of events are slower than the events: ${MAX_WAITING} calls wait, further ones are left out`,
      });
    this.isOverloaded = true;
  }
}

interface DecoratedMethod {
  /** Undefined for a provider with an instance for each request. */
  readonly owner: object | undefined;
  readonly method: (event: unknown) => unknown;
  readonly name: string;
  readonly names: readonly CallbackEventName[];
}

function* decoratedMethods(modules: ModulesContainer): Generator<DecoratedMethod> {
  const scanner = new MetadataScanner();
  const wrappers = [...modules.values()].flatMap(({ providers, controllers }) => [
    ...providers.values(),
    ...controllers.values(),
  ]);
  // Two tokens may have the same instance.
  const seen = new Set<unknown>();
  for (const wrapper of wrappers) {
    const owner: unknown = wrapper.isDependencyTreeStatic() ? wrapper.instance : undefined;
    const prototype: unknown = owner === undefined ? wrapper.metatype?.prototype : prototypeOf(owner);
    if (typeof prototype !== 'object' || prototype === null || seen.has(owner ?? prototype)) continue;
    seen.add(owner ?? prototype);
    for (const name of scanner.getAllMethodNames(prototype)) {
      const method: unknown = (prototype as Record<string, unknown>)[name];
      if (typeof method !== 'function') continue;
      const names: unknown = Reflect.getMetadata(ON_CALLBACK, method);
      if (names === undefined) continue;
      yield {
        owner: owner as object | undefined,
        method: method as DecoratedMethod['method'],
        name: `${prototype.constructor.name}.${name}`,
        names: names as readonly CallbackEventName[],
      };
    }
  }
}

function prototypeOf(instance: unknown): unknown {
  return typeof instance === 'object' && instance !== null ? Object.getPrototypeOf(instance) : undefined;
}
