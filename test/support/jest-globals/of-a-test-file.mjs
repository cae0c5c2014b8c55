/** `@jest/globals` for a test file; loaded anew for each (test/support/jest-native.js). */
export const { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } = globalThis;
