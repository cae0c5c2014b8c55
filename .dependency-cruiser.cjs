/**
 * The architecture's import rules. Each is an error in `npm run lint`. Specs obey them too, but may use `test/support`
 * and call libraries directly.
 */
const SPEC = '\\.spec\\.ts$';
const SERVICE_PACKAGES = `(^|/)node_modules/(${Object.keys(require('./service/package.json').dependencies).join('|')})/`;
const FEATURES = '^src/(service-callbacks|notifications)/';

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'Data runs one way. Type-only cycles count: they are two ideas in one.',
      severity: 'error',
      // Its files are one model, and import each other.
      from: { pathNot: '^test/model/' },
      to: { circular: true },
    },
    {
      name: 'module-knows-no-host',
      comment: 'The callbacks module serves any host: what it needs of one goes through a port.',
      severity: 'error',
      from: { path: '^src/service-callbacks/' },
      to: { path: '^src/notifications/' },
    },
    {
      name: 'foundations-know-no-feature',
      comment: 'Features stand on these, and are composed in app-level files.',
      severity: 'error',
      from: { path: '^src/(config|database|http|monitoring|observability)/', pathNot: SPEC },
      to: { path: FEATURES },
    },
    {
      name: 'features-know-no-composition',
      comment: 'Only main.ts and the tests start from the composed application.',
      severity: 'error',
      from: { path: FEATURES, pathNot: SPEC },
      to: { path: '^src/(main|app\\.module|index)\\.ts$' },
    },
    {
      name: 'http-in-the-client-alone',
      comment: 'One place sends requests, so one place has the deadline and the address rule.',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot: [
          SPEC,
          '^src/service-callbacks/(transport|connections)/',
          '^src/service-callbacks/service-callbacks\\.module\\.ts$',
        ],
      },
      to: { path: '(^|/)node_modules/(undici|axios|@nestjs/axios)/' },
    },
    {
      name: 'typeorm-behind-repositories',
      comment:
        'Queries live in *.repository.ts and *.dao.ts. Elsewhere TypeORM is known by type only: an EntityManager ' +
        'or a DataSource that is handed on.',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot: [SPEC, '\\.(entity|repository|dao)\\.ts$', '^src/database/'],
      },
      to: { path: '(^|/)node_modules/typeorm/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-barrels',
      comment: "A barrel hides where a thing is and makes cycles. src/index.ts is the package's public face.",
      severity: 'error',
      from: {},
      to: { path: '^(src|test|scripts|bench)/.*/index\\.(ts|js)$' },
    },
    {
      name: 'no-tests-in-source',
      severity: 'error',
      from: { path: '^src/', pathNot: SPEC },
      to: { path: ['^test/', SPEC] },
    },
    {
      name: 'no-tools-in-source',
      comment: 'What runs in production is in the dependencies.',
      severity: 'error',
      from: { path: '^(src/|ormconfig\\.ts)', pathNot: SPEC },
      to: {
        // An optional peer, for the one entry point that needs it.
        pathNot: [SERVICE_PACKAGES, '(^|/)node_modules/@nestjs/config/'],
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'module-without-service-packages',
      comment: 'A host has what package.json lists; service/package.json is for the service alone.',
      severity: 'error',
      from: {
        path: '^src/(index|cli|console/console\\.module|receiver/receiver|reporting|testing/testing)\\.ts$',
      },
      to: { path: SERVICE_PACKAGES, reachable: true },
    },
    {
      name: 'resolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // Projects of their own.
    exclude: { path: '^test/hosts/' },
    tsConfig: { fileName: 'tsconfig.json' },
    // Without it type-only imports are invisible.
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
