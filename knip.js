import service from './service/package.json' with { type: 'json' };

export default {
  // It has only a package.json: the sources that use its dependencies are in src, which knip does not connect.
  ignoreWorkspaces: ['service'],
  workspaces: {
    '.': {
      entry: [
        'src/main.ts',
        'src/cli.ts',
        'src/service-cli.ts',
        'src/receiver/receiver.ts',
        'src/reporting.ts',
        'src/console/console.module.ts',
        'src/testing/testing.ts',
        'scripts/*.{ts,mjs}',
        'bench/**/*.ts',
        'ormconfig.ts',
        'examples/**/main.ts',
        'examples/getting-started/receiver.ts',
        'test/support/embedded-postgres-owner.ts',
        'test/support/jest-globals/*.mjs',
        'test/support/own-sources.mjs',
        'test/support/register-typescript.mjs',
        'test/support/faults/count-connections.ts',
        'test/support/faults/dies-*.mjs',
        'test/support/faults/skewed-clock.mjs',
        'test/support/hostile-load.ts',
        'test/support/hostile-endpoints.ts',
        'test/support/one-callback.ts',
        'test/support/test-cluster.ts',
      ],
      project: [
        'src/**/*.{ts,tsx}',
        'test/**/*.{ts,mjs}',
        'scripts/**/*.{ts,mjs}',
        'bench/**/*.ts',
        'examples/**/*.ts',
      ],
      // Sources of other projects.
      ignore: ['test/hosts/*/**'],
      ignoreDependencies: Object.keys(service.dependencies),
    },
  },
  ignoreExportsUsedInFile: { interface: true, type: true },
  ignoreBinaries: ['redis-server', 'mount', 'umount'],
};
