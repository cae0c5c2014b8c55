/**
 * Prints the bill of materials (CycloneDX) of the production image.
 *
 * `npm sbom --omit dev` of npm 11 leaves out every package that a development tool uses too, such as `zod`. So npm gets
 * a project without development dependencies.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const read = (file) => JSON.parse(readFileSync(new URL(`../${file}`, import.meta.url), 'utf8'));

const module = read('package.json');
const service = read('service/package.json');
/** Not in the image unless another package needs it. */
const isOptional = (name) => module.peerDependenciesMeta[name]?.optional === true;
const peers = Object.entries(module.peerDependencies).filter(([name]) => !isOptional(name));
const project = {
  name: module.name,
  version: module.version,
  license: module.license,
  dependencies: { ...module.dependencies, ...Object.fromEntries(peers), ...service.dependencies },
};
const lockfile = read('package-lock.json');
const inImage = Object.entries(lockfile.packages).filter(
  ([path, { dev, optional, devOptional, link }]) =>
    path.startsWith('node_modules/') && !dev && !optional && !devOptional && !link,
);

const directory = mkdtempSync(join(tmpdir(), 'service-callbacks-sbom-'));
try {
  writeFileSync(join(directory, 'package.json'), JSON.stringify(project));
  writeFileSync(
    join(directory, 'package-lock.json'),
    JSON.stringify({ ...lockfile, packages: { '': project, ...Object.fromEntries(inImage) } }),
  );
  const { status } = spawnSync('npm', ['sbom', '--package-lock-only', '--sbom-format', 'cyclonedx'], {
    cwd: directory,
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
} finally {
  rmSync(directory, { recursive: true });
}
