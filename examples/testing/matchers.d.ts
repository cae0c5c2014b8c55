import type { CallbackMatchers } from 'service-callbacks/testing';

declare module 'expect' {
  interface Matchers<R extends void | Promise<void>, T = unknown> extends CallbackMatchers<R> {}
}
