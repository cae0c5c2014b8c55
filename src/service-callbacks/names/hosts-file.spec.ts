import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { HostsFile } from './hosts-file.js';

describe('HostsFile', () => {
  let directory: string;
  let path: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'service-callbacks-hosts-'));
    path = join(directory, 'hosts');
  });

  afterEach(() => rm(directory, { recursive: true }));

  it('finds a name in any case, with or without its last dot, with all its addresses', async () => {
    await writeFile(
      path,
      '# 10.9.9.9 commented\n10.0.0.1\tOne.example one # two\r\n\nfd00::1 one\nnonsense three\n10.0.0.2\n',
    );
    const hosts = new HostsFile(path);
    expect(hosts.addressesOf('ONE.example.')).toEqual([{ address: '10.0.0.1', family: 4 }]);
    expect(hosts.addressesOf('one')).toEqual([
      { address: '10.0.0.1', family: 4 },
      { address: 'fd00::1', family: 6 },
    ]);
    for (const name of ['commented', 'two', 'three', '', '__proto__'])
      expect(hosts.addressesOf(name)).toEqual([]);
  });

  it('is read again after it was written, replaced or removed', async () => {
    const hosts = new HostsFile(path);
    expect(hosts.addressesOf('one')).toEqual([]);
    await writeFile(path, '10.0.0.1 one');
    expect(hosts.addressesOf('one')).toEqual([{ address: '10.0.0.1', family: 4 }]);
    await writeFile(`${path}.new`, '10.0.0.2 one');
    await rename(`${path}.new`, path);
    expect(hosts.addressesOf('one')).toEqual([{ address: '10.0.0.2', family: 4 }]);
    await rm(path);
    expect(hosts.addressesOf('one')).toEqual([]);
  });
});
