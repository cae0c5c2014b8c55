/**
 * Runs a test file as Node runs any other module, below Jest's own test framework.
 *
 * Jest's module loader begins anew with each file: it read and linked some 2,800 modules of Nest, TypeORM and BullMQ
 * for each of 140 files, which was half of the suite's time. Here Node loads them once for each worker. So the files
 * of a worker share their globals, in which a test must leave nothing, and the state of modules.
 *
 * See docs/adr/0001-jest-on-esm.md.
 */
import { createRequire, registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';
import jestCircus from 'jest-circus/runner';
import './own-sources.mjs';
import './register-typescript.mjs';

const require = createRequire(import.meta.url);
const TEST_GLOBALS = import.meta.resolve('./jest-globals/of-a-test-file.mjs');
const EXPECT = import.meta.resolve('./jest-globals/of-support.mjs');
const HANDLERS = Symbol.for('EVENT_HANDLERS');

/** Names of the globals that the project gave. */
const given = [];
let count = 0;

process.setSourceMapsEnabled(true);

registerHooks({
  resolve(specifier, context, nextResolve) {
    const parent = context.parentURL ?? '';
    if (specifier !== '@jest/globals') return nextResolve(specifier, context);
    // A file registers its tests with the framework loaded for it; what files share can only expect.
    const url = /\.spec\.tsx?(\?|$)/.test(parent) ? `${TEST_GLOBALS}?${encodeURIComponent(parent)}` : EXPECT;
    return { url, format: 'module', shortCircuit: true };
  },
});

/** A `testRunner` of Jest: it only changes who loads modules, and whose globals are set. */
export default function run(globalConfig, config, environment, runtime, testPath, sendMessageToJest) {
  // The globals of the project before are removed.
  for (const name of given.splice(0)) delete globalThis[name];
  given.push(...Object.keys(config.globals));
  Object.assign(globalThis, config.globals);
  // Jest's own maps only what Jest transformed; Node reads the source maps of the sources.
  Error.prepareStackTrace = undefined;
  return jestCircus.default(
    globalConfig,
    config,
    { ...environment, global: globalThis },
    native(runtime),
    testPath,
    sendMessageToJest,
  );
}

function native(runtime) {
  return {
    setGlobalsForRuntime: () => undefined,
    requireModule: require,
    requireInternalModule: freshly,
    unstable_shouldLoadAsEsm: () => true,
    // A file runs in several projects, and again in watch mode: another address is another module.
    unstable_importModule: (path) => import(`${pathToFileURL(path).href}?run=${(count += 1)}`),
    enterTestCode: () => runtime.enterTestCode(),
    leaveTestCode: () => runtime.leaveTestCode(),
    resetModules: () => undefined,
  };
}

/** The framework keeps the tests and the listeners in module and global state. */
function freshly(path) {
  delete require.cache[path];
  delete globalThis[HANDLERS];
  return require(path);
}
