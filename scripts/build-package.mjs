/**
 * Makes the package's two forms of the built module: ES modules, and CommonJS for loaders that cannot `require()`
 * those, such as Jest's. Both hold what can be reached from the entry points; the service stays behind.
 */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { transformSync } from '@swc/core';

const BUILT = 'dist/src';
const ENTRY_POINTS = [
  'index.js',
  'console/console.module.js',
  'service-callbacks/service-callbacks.config.js',
  'reporting.js',
  'receiver/receiver.js',
  'testing/testing.js',
  'cli.js',
];
const ASSETS = ['console/assets/console.css', 'console/assets/console.js', 'console/assets/icon.svg'];
const RELATIVE_IMPORT = /(?:from |import |import\()['"](\.[^'"]+)['"]/g;

const COMMONJS = {
  jsc: { target: 'es2024', parser: { syntax: 'ecmascript' } },
  module: { type: 'commonjs', exportInteropAnnotation: true },
  swcrc: false,
};

const read = (file) => readFileSync(join(BUILT, file), 'utf8').replace(/^\/\/# sourceMappingURL=.*\n?/m, '');
const typesOf = (module) => module.replace(/\.js$/, '.d.ts');

function write(file, text) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

for (const form of ['esm', 'cjs']) rmSync(join('dist', form), { recursive: true, force: true });

const modules = new Set(ENTRY_POINTS);
// A set is iterated in the order of insertion, and items that are added meanwhile are included.
for (const module of modules) {
  const source = read(module);
  const types = read(typesOf(module));
  write(join('dist/esm', module), source);
  write(join('dist/cjs', module), transformSync(source, { ...COMMONJS, filename: module }).code);
  for (const form of ['esm', 'cjs']) write(join('dist', form, typesOf(module)), types);
  for (const [, specifier] of (source + types).matchAll(RELATIVE_IMPORT))
    modules.add(join(dirname(module), specifier));
}

for (const form of ['esm', 'cjs'])
  for (const asset of ASSETS) cpSync(join(BUILT, asset), join('dist', form, asset));
write('dist/cjs/package.json', JSON.stringify({ type: 'commonjs' }));
