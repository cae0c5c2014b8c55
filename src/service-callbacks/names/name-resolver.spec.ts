import type { LookupAddress } from 'node:dns';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startDnsServer, type DnsAnswer, type DnsServer } from '../../../test/support/dns-server.js';
import { HostsFile } from './hosts-file.js';
import { resolveFrom, type Resolve } from './name-resolver.js';
import { queryNameServers } from './name-servers.js';
import { SystemLookup, type GetAddresses } from './system-lookup.js';

const FOUND_BY_SYSTEM = [{ address: '10.0.0.7', family: 4 }];
const never: GetAddresses = () => new Promise(() => {});

describe('nameResolver', () => {
  let directory: string;
  let dns: DnsServer;
  const hostsFile = () => join(directory, 'hosts');

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'service-callbacks-hosts-'));
    await writeFile(hostsFile(), '192.0.2.1 listed.example other\n');
    dns = await startDnsServer();
  });

  afterAll(async () => {
    await dns.close();
    await rm(directory, { recursive: true });
  });

  /** First the test's name server, then a system lookup of the test's own. */
  function resolver(system?: GetAddresses, timeoutMs = 5_000): Resolve {
    return resolveFrom(
      {
        hosts: new HostsFile(hostsFile()),
        dns: (hostname, signal) => queryNameServers(hostname, signal, [dns.address]),
        ...(system !== undefined && { system: new SystemLookup(system) }),
      },
      timeoutMs,
    );
  }

  function respond(name: string, ipv4: DnsAnswer, ipv6: DnsAnswer): void {
    dns.respond(name, ({ type }) => (type === 'A' ? ipv4 : ipv6));
  }

  const questionsFor = (name: string) => dns.questions.filter((question) => question.name === name);

  it('uses the hosts file first, and then sends no query', async () => {
    respond('listed.example', [{ a: '192.0.2.2' }], []);
    for (const name of ['listed.example', 'LISTED.example.', 'other']) {
      expect(await resolver()(name)).toEqual([{ address: '192.0.2.1', family: 4 }]);
    }
    expect(questionsFor('listed.example')).toEqual([]);
  });

  it('queries both families at once, and returns IPv4 first', async () => {
    respond('both.example', [{ a: '192.0.2.2' }, { a: '192.0.2.3' }], [{ aaaa: '2001:db8::1' }]);
    expect(await resolver()('both.example')).toEqual([
      { address: '192.0.2.2', family: 4 },
      { address: '192.0.2.3', family: 4 },
      { address: '2001:db8::1', family: 6 },
    ]);
    expect(questionsFor('both.example').map(({ type }) => type)).toEqual(['A', 'AAAA']);
  });

  it.each<[string, DnsAnswer, DnsAnswer, string]>([
    ['no response for AAAA', [{ a: '192.0.2.2' }], 'no_response', '192.0.2.2'],
    ['no response for A', 'no_response', [{ aaaa: '2001:db8::1' }], '2001:db8::1'],
    ['failing for AAAA', [{ a: '192.0.2.2' }], 'servfail', '192.0.2.2'],
    ['without AAAA', [{ a: '192.0.2.2' }], 'nxdomain', '192.0.2.2'],
  ])('resolves a name with one family: %s', async (_name, ipv4, ipv6, address) => {
    respond('half.example', ipv4, ipv6);
    const startedAt = performance.now();
    expect(await resolver(never)('half.example')).toEqual([expect.objectContaining({ address })]);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });

  it('follows a change of address: it has no cache', async () => {
    dns.respond('moving.example', ({ type }, earlier) =>
      type === 'A' ? [{ a: `192.0.2.${earlier + 1}` }] : [],
    );
    const resolve = resolver();
    expect(await resolve('moving.example')).toEqual([{ address: '192.0.2.1', family: 4 }]);
    expect(await resolve('moving.example')).toEqual([{ address: '192.0.2.2', family: 4 }]);
  });

  it('ends at the deadline when no server responds', async () => {
    respond('unresponsive.example', 'no_response', 'no_response');
    for (const [name, system, reason] of [
      ['unresponsive.example', undefined, 'ECANCELLED'],
      ['unresponsive.example', never, 'ECANCELLED'],
      ['absent.example', never, 'before the deadline'],
      ['nodot', never, 'before the deadline'],
    ] as const) {
      const startedAt = performance.now();
      await expect(resolver(system, 200)(name)).rejects.toThrow(reason);
      expect(performance.now() - startedAt).toBeLessThan(1_000);
    }
  });

  it('queries the system if DNS has no such name or address, and returns nothing without a system', async () => {
    respond('absent.example', 'nxdomain', 'nxdomain');
    respond('empty.example', [], []);
    for (const name of ['absent.example', 'empty.example']) {
      expect(await resolver(() => Promise.resolve(FOUND_BY_SYSTEM))(name)).toEqual(FOUND_BY_SYSTEM);
      expect(await resolver()(name)).toEqual([]);
    }
  });

  it('does not query the system if DNS fails', async () => {
    respond('failing.example', 'servfail', 'servfail');
    await expect(resolver(() => Promise.resolve(FOUND_BY_SYSTEM))('failing.example')).rejects.toThrow(
      expect.objectContaining({ code: 'ESERVFAIL' }),
    );
  });

  it('queries the system at once for a name without a dot, and DNS if there is no system', async () => {
    respond('container', [{ a: '192.0.2.9' }], []);
    expect(await resolver(() => Promise.resolve(FOUND_BY_SYSTEM))('container')).toEqual(FOUND_BY_SYSTEM);
    expect(questionsFor('container')).toEqual([]);
    expect(await resolver()('container')).toEqual([{ address: '192.0.2.9', family: 4 }]);
  });

  it('lets a hanging system lookup delay neither names of DNS nor names without a dot', async () => {
    respond('healthy.example', [{ a: '192.0.2.2' }], []);
    const calls: string[] = [];
    const resolve = resolver((hostname) => {
      calls.push(hostname);
      return hostname.includes('.') ? never(hostname) : Promise.resolve(FOUND_BY_SYSTEM);
    }, 1_500);

    const held = Promise.allSettled(
      Array.from({ length: 50 }, (_, index) => resolve(`held-${index}.example`)),
    );
    const [healthy, container] = await Promise.all([resolve('healthy.example'), resolve('container')]);

    expect(healthy).toEqual([{ address: '192.0.2.2', family: 4 }]);
    expect(container).toEqual(FOUND_BY_SYSTEM);
    expect((await held).every(({ status }) => status === 'rejected')).toBe(true);
    expect(calls.filter((name) => name.startsWith('held'))).toHaveLength(1);
  });

  it('skips lookups whose deadline passed while they waited', async () => {
    const first = Promise.withResolvers<readonly LookupAddress[]>();
    const calls: string[] = [];
    const resolve = resolver((hostname) => {
      calls.push(hostname);
      return calls.length === 1 ? first.promise : Promise.resolve(FOUND_BY_SYSTEM);
    }, 300);

    const waited = await Promise.allSettled(['a.example', 'b.example', 'c.example'].map(resolve));
    expect(waited.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    first.resolve([]);

    expect(await resolve('d.example')).toEqual(FOUND_BY_SYSTEM);
    expect(calls).toEqual([expect.any(String), 'd.example']);
  });
});
