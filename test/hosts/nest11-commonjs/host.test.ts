import { expect, it } from '@jest/globals';
import { ConsoleModule } from 'service-callbacks/console';
import { HostModule } from './app/host.module.js';
import { run } from './app/journey.js';

it('delivers callbacks beside work of its own', () => run(HostModule.forRoot()), 30_000);

it('finds the console, and the form of the package that this Jest can load', () => {
  expect(typeof ConsoleModule.forRoot).toBe('function');
  expect(require.resolve('service-callbacks')).toContain(`/dist/${process.env['EXPECTED_FORM']}/`);
});
