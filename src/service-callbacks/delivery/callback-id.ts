import { v5 as uuidv5 } from 'uuid';

declare const callbackIdBrand: unique symbol;

/** A callback's own id: the same over every attempt, crash and replay (R19). A UUID of version 5. */
export type CallbackId = string & { readonly [callbackIdBrand]: true };

/** What makes a callback that callback: two with the same parts are one. */
export interface CallbackIdentity {
  readonly serviceId: string;
  readonly type: string;
  readonly subjectId: string;
  /** What tells two pieces of news about one subject apart, such as its status. */
  readonly news?: string | undefined;
}

/** Never to be changed: every id still in a queue or at a receiver was made under it. */
const NAMESPACE = '2ec26a4d-3a5a-4c1c-9c8c-5a6a5f8b6a3d';

/**
 * Derives the id, so that the same news twice is queued once while it waits. JSON keeps the parts apart
 * whatever they contain; joined by a separator, `a` + `b-c` and `a-b` + `c` would be one callback.
 */
export function callbackId({ serviceId, type, subjectId, news }: CallbackIdentity): CallbackId {
  return uuidv5(JSON.stringify([serviceId, type, subjectId, news ?? null]), NAMESPACE) as CallbackId;
}
