import { Endpoints1764000000001 } from './1764000000001-endpoints.js';
import { Callbacks1764000000002 } from './1764000000002-callbacks.js';
import { Figures1764000000003 } from './1764000000003-figures.js';

/** What the module needs in a host's database. The host lists them in its `DataSource`. */
export const serviceCallbackMigrations = [
  Endpoints1764000000001,
  Callbacks1764000000002,
  Figures1764000000003,
] as const;
