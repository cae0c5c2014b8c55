import { SetMetadata } from '@nestjs/common';
import { CALLBACK_EVENT_NAMES, type CallbackEventName, type CallbackEvents } from './callback-events.js';

export const ON_CALLBACK = 'service-callbacks:on-callback';

type HandlerDecorator<Event> = <Method extends (event: Event) => unknown>(
  target: object,
  name: string | symbol,
  method: TypedPropertyDescriptor<Method>,
) => void;

/**
 * A method of a provider or controller that is called for events, with the event as its argument:
 *
 * `@OnCallback('given_up') onGivenUp(event: CallbackEvents['given_up'])`.
 *
 * It is called at most once for each event, after the event is committed, in the process where the event happened
 * (usually a worker). Its errors are logged, and nothing waits for it. A process that ends may leave out the last
 * calls: read the record for what you must not miss.
 *
 * @throws TypeError if there is no event of that name
 */
export function OnCallback<Name extends CallbackEventName>(
  ...names: readonly [Name, ...Name[]]
): HandlerDecorator<CallbackEvents[Name]> {
  const unknown = names.filter((name) => !CALLBACK_EVENT_NAMES.includes(name));
  if (unknown.length > 0 || names.length === 0)
    throw new TypeError(
      `@OnCallback(${names.map((name) => `'${name}'`).join(', ')}): ` +
        `${unknown.length > 0 ? `no event is called ${unknown.join(', ')}` : 'no event is named'}; ` +
        `there are ${CALLBACK_EVENT_NAMES.join(', ')}`,
    );
  return SetMetadata(ON_CALLBACK, names);
}
