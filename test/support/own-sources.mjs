/** Lets examples import the package by its name and get its sources. */
import { registerHooks } from 'node:module';

const SOURCES = new Map([
  ['service-callbacks', import.meta.resolve('../../src/index.ts')],
  ['service-callbacks/console', import.meta.resolve('../../src/console/console.module.ts')],
  ['service-callbacks/reporting', import.meta.resolve('../../src/reporting.ts')],
  ['service-callbacks/receiver', import.meta.resolve('../../src/receiver/receiver.ts')],
  ['service-callbacks/testing', import.meta.resolve('../../src/testing/testing.ts')],
]);

registerHooks({
  resolve: (specifier, context, nextResolve) => nextResolve(SOURCES.get(specifier) ?? specifier, context),
});
