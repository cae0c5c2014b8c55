import { BlockList, isIP, isIPv6 } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { AddressRules, type UrlRefusal } from './address-rules.js';

/**
 * The oracle: another matcher, with its own list of *public* networks. The list is written from the allocations, not
 * from the exceptions.
 */
const PUBLIC_IPV4: readonly (readonly [first: string, last: string])[] = [
  ['1.0.0.0', '9.255.255.255'],
  ['11.0.0.0', '100.63.255.255'],
  ['100.128.0.0', '126.255.255.255'],
  ['128.0.0.0', '168.63.129.15'],
  ['168.63.129.17', '169.253.255.255'],
  ['169.255.0.0', '172.15.255.255'],
  ['172.32.0.0', '191.255.255.255'],
  ['192.0.1.0', '192.0.1.255'],
  ['192.0.3.0', '192.31.195.255'],
  ['192.31.197.0', '192.52.192.255'],
  ['192.52.194.0', '192.88.98.255'],
  ['192.88.100.0', '192.167.255.255'],
  ['192.169.0.0', '192.175.47.255'],
  ['192.175.49.0', '198.17.255.255'],
  ['198.20.0.0', '198.51.99.255'],
  ['198.51.101.0', '203.0.112.255'],
  ['203.0.114.0', '223.255.255.255'],
];
const PUBLIC_IPV6: readonly (readonly [first: string, last: string])[] = [
  ['2001:200::', '2001:db7:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['2001:db9::', '2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['2000::', '2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['2003::', '2620:4f:7fff:ffff:ffff:ffff:ffff:ffff'],
  ['2620:4f:8001::', '3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['3fff:1000::', '3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
];
const publicAddresses = { ipv4: new BlockList(), ipv6: new BlockList() };
for (const [first, last] of PUBLIC_IPV4) publicAddresses.ipv4.addRange(first, last, 'ipv4');
for (const [first, last] of PUBLIC_IPV6) publicAddresses.ipv6.addRange(first, last, 'ipv6');

function family(ip: string): 'ipv4' | 'ipv6' {
  return isIPv6(ip) ? 'ipv6' : 'ipv4';
}

function oracle(ip: string): boolean {
  // A list for each family: a BlockList treats an IPv4-mapped address as its IPv4.
  return publicAddresses[family(ip)].check(ip, family(ip));
}

const anyIpv4 = fc.ipV4();
const anyIpv6 = fc.oneof(
  fc.ipV6(),
  // Global unicast is an eighth of all addresses, and its exceptions are far fewer: random addresses would rarely hit
  // them.
  fc
    .tuple(fc.constantFrom('2001', '2002', '2620', '3fff', '2000', 'fd00', '64'), word(), word())
    .map(([first, second, third]) => `${first}:${second}:${third}::1`),
);

/** Off-by-one errors of a matcher show here: the ends of the public ranges and their neighbours. */
const edge = fc.oneof(
  fc
    .constantFrom(...PUBLIC_IPV4.flat())
    .chain((ip) =>
      fc.constantFrom(-1, 0, 1).map((step) => dotted((numberOf(ip) + step + 2 ** 32) % 2 ** 32)),
    ),
  fc.constantFrom(...PUBLIC_IPV6.flat()),
  fc.constantFrom(
    '2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff',
    '2001:db8::',
    '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff',
    '2002::',
    '2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
    '2620:4f:8000::',
    '2620:4f:8000:ffff:ffff:ffff:ffff:ffff',
    '3fff::',
    '3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff',
    '4000::',
    '1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
  ),
);

function word(): fc.Arbitrary<string> {
  return fc.oneof(
    fc.constantFrom('0', '2', '10', '4f', 'db8', 'ff9b', 'fff', '1000', '8000'),
    fc.nat(0xffff).map(hex),
  );
}

/** An IPv4 address of 1 to 4 parts, each part in its own base. */
const spelledIpv4 = fc
  .tuple(
    fc.oneof(
      anyIpv4,
      edge.filter((ip) => !isIPv6(ip)),
    ),
    fc.integer({ min: 1, max: 4 }),
    fc.array(fc.constantFrom('decimal', 'octal', 'hex', 'HEX', 'full-width'), { minLength: 4, maxLength: 4 }),
    fc.constantFrom('', '.'),
    fc.constantFrom('.', '。', '．', '%2e'),
  )
  .map(([ip, count, bases, end, dot]) => {
    const octets = ip.split('.').map(Number);
    const last = octets.slice(count - 1).reduce((value, octet) => value * 256 + octet, 0);
    const parts = [...octets.slice(0, count - 1), last];
    return { ip, spelling: parts.map((part, index) => spelled(part, bases[index] ?? '')).join(dot) + end };
  });

function spelled(value: number, base: string): string {
  switch (base) {
    case 'octal':
      return `0${value.toString(8)}`;
    case 'hex':
      return `0x${hex(value)}`;
    case 'HEX':
      return `0X${hex(value).toUpperCase()}`;
    case 'full-width':
      return Array.from(String(value), (digit) => String.fromCharCode(digit.charCodeAt(0) + 0xfee0)).join('');
    default:
      return String(value);
  }
}

function hex(value: number): string {
  return value.toString(16);
}

function numberOf(ip: string): number {
  return ip.split('.').reduce((value, octet) => value * 256 + Number(octet), 0);
}

function dotted(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
}

const strict = new AddressRules({ allowHttp: false, allowedNetworks: [], allowedPorts: [] });
const local = new AddressRules({
  allowHttp: true,
  allowedNetworks: ['127.0.0.0/8', 'fd00:1::/32'],
  allowedPorts: [8443],
});

function reasonOf(rules: AddressRules, url: string): UrlRefusal | 'ok' {
  const check = rules.checkUrl(url);
  return check.ok ? 'ok' : check.reason;
}

describe('isAllowed', () => {
  it('agrees with node:net on every address', () => {
    fc.assert(
      fc.property(fc.oneof(anyIpv4, anyIpv6, edge), (ip) => {
        expect([ip, strict.isAllowed(ip)]).toEqual([ip, oracle(ip)]);
      }),
      { numRuns: 20_000 },
    );
  });

  it('exempts only configured networks', () => {
    const exempt = new BlockList();
    exempt.addSubnet('127.0.0.0', 8);
    exempt.addSubnet('fd00:1::', 32, 'ipv6');
    fc.assert(
      fc.property(fc.oneof(anyIpv4, anyIpv6, edge), (ip) => {
        expect([ip, local.isAllowed(ip)]).toEqual([ip, oracle(ip) || exempt.check(ip, family(ip))]);
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('checkUrl on every spelling of an IPv4 address', () => {
  it('agrees with node:net', () => {
    fc.assert(
      fc.property(spelledIpv4, ({ ip, spelling }) => {
        const expected = oracle(ip) ? 'ok' : 'address_not_allowed';
        expect(reasonOf(strict, `https://${spelling}/`)).toBe(expected);
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('checkUrl on every spelling of an IPv6 address', () => {
  it('agrees with node:net', () => {
    fc.assert(
      fc.property(spelledIpv6, ({ ip, spelling }) => {
        const expected = oracle(ip) ? 'ok' : 'address_not_allowed';
        expect([spelling, reasonOf(strict, `https://[${spelling}]/`)]).toEqual([spelling, expected]);
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('checkUrl on any text', () => {
  const anyText = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.webUrl(),
    fc.string().map((text) => `https://${text}`),
    // Pieces of attacks, in any order.
    fc
      .array(
        fc.oneof(
          fc.constantFrom(
            'https:',
            'HTTP:',
            '//',
            '/',
            '\\',
            '@',
            ':',
            '443',
            '22',
            '#',
            '?',
            '%',
            '%2e',
            '%00',
          ),
          fc.constantFrom(
            '[',
            ']',
            '::1',
            '::',
            '127.1',
            '8.8.8.8',
            'localhost',
            'a.example',
            '.',
            '。',
            '\t',
            ' ',
          ),
          spelledIpv4.map(({ spelling }) => spelling),
          fc.string({ maxLength: 3, unit: 'grapheme' }),
        ),
        { maxLength: 8 },
      )
      .map((pieces) => pieces.join('')),
    fc
      .tuple(
        fc.constantFrom('', 'a@', '@', 'a:b@', 'a.example\\@'),
        spelledIpv4,
        fc.constantFrom('', ':443', ':22'),
      )
      .map(([userinfo, { spelling }, port]) => `https://${userinfo}${spelling}${port}/`),
  );

  it('accepts only https to a name or a public address, on port 443, if nothing is exempt', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        if (reasonOf(strict, text) !== 'ok') return;
        const { protocol, port, username, password, hostname } = new URL(text);
        const host = hostname.replace(/^\[|\]$/g, '');
        expect({ protocol, port, username, password }).toEqual({
          protocol: 'https:',
          port: '',
          username: '',
          password: '',
        });
        expect([text, isIP(host) === 0 || oracle(host)]).toEqual([text, true]);
        expect(`.${host}`).not.toMatch(/\.localhost\.?$/i);
      }),
      { numRuns: 10_000 },
    );
  });
});

/**
 * An IPv6 address in any spelling: upper or lower case, leading zeros, one run of zeros left out, its end as an IPv4.
 */
const spelledIpv6 = fc
  .tuple(
    fc.array(word(), { minLength: 8, maxLength: 8 }),
    fc.constantFrom('2001', '2002', '2606', '3fff', 'fd00', 'fe80', '0', '64', 'ff02'),
    fc.integer({ min: 1, max: 7 }),
    fc.integer({ min: 0, max: 6 }),
    fc.boolean(),
    fc.boolean(),
    fc.boolean(),
  )
  .map(([tail, head, from, length, isUpper, isPadded, endsInIpv4]) => {
    const words = [head, ...tail.slice(1)].map((text, index) =>
      index >= from && index < from + length ? '0' : text,
    );
    const written = words.map((text) => (isPadded ? text.padStart(4, '0') : text));
    const [high = 0, low = 0] = words.slice(6).map((text) => Number.parseInt(text, 16));
    const end = endsInIpv4 ? [dotted(high * 0x10000 + low)] : written.slice(6);
    const parts = [...written.slice(0, 6), ...end];
    const isZeroRun = length > 0 && from + length <= (endsInIpv4 ? 6 : 8);
    const spelling = isZeroRun
      ? `${parts.slice(0, from).join(':')}::${parts.slice(from + length).join(':')}`
      : parts.join(':');
    return { ip: words.join(':'), spelling: isUpper ? spelling.toUpperCase() : spelling };
  });
