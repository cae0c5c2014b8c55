/**
 * Folders import one way. Specs are left out, because they use `test/support`, which uses the folder that they stand in.
 */
const { options } = require('./.dependency-cruiser.cjs');

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'folders-one-way',
      comment: 'Two folders never import each other, nor in a circle. Root files compose them.',
      severity: 'error',
      scope: 'folder',
      from: {},
      to: { circular: true },
    },
  ],
  options: { ...options, exclude: { path: ['^test/hosts/', '\\.spec\\.ts$'] } },
};
