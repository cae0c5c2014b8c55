/** How the test run's cluster is passed on to Jest's workers. */
export const ADMIN_URL_VARIABLE = 'TEST_DATABASE_ADMIN_URL';

/** The migrated database that each test's own is cloned from. It accepts no connections. */
export const TEMPLATE_DATABASE = 'service_callbacks_template';

/** The URL of the run's Redis; unset without a redis-server. */
export const REDIS_URL_VARIABLE = 'SERVICE_CALLBACKS_TEST_REDIS_URL';
