import { HostModule } from './host.module.js';
import { run } from './journey.js';

/** Ends by itself. */
void run(HostModule.forRoot()).then(() => process.stdout.write('All arrived\n'));
