/** The entry point `service-callbacks/reporting`: what became of callbacks, for a host's own pages and programs. */
export { CallbackLogReader } from '../callbacks/callback-log.reader.js';
export type * from '../callbacks/records.js';
export {
  EndpointHealth,
  type EndpointHealthReport,
  type EndpointStatus,
} from '../endpoint-health/endpoint-health.js';
export { EndpointReader } from './endpoint.reader.js';
export { OverviewReader } from './overview.reader.js';
export { SearchReader } from './search.reader.js';
