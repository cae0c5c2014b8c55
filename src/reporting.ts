/**
 * The entry point `service-callbacks/reporting`: the state and history of callbacks, for a host's own pages and
 * programs.
 */
export { CallbackLogReader } from './service-callbacks/history/callback-log.reader.js';
export type * from './service-callbacks/history/records.js';
export {
  EndpointHealth,
  type EndpointHealthReport,
  type EndpointStatus,
} from './service-callbacks/endpoint-health/endpoint-health.js';
export { EndpointReader } from './service-callbacks/reporting/endpoint.reader.js';
export { OverviewReader } from './service-callbacks/reporting/overview.reader.js';
export { SearchReader } from './service-callbacks/reporting/search.reader.js';
