import { it } from 'vitest';
import { HostModule } from './app/host.module.js';
import { run } from './app/journey.js';

it('delivers callbacks beside work of its own', () => run(HostModule.forRoot()), 30_000);
