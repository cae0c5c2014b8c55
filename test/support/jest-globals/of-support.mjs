/** `@jest/globals` for what test files share: it is loaded once, so that it could register with one of them only. */
export const { expect } = globalThis;
