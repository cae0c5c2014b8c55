import { BlockList, isIPv6 } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { AddressRules, type UrlRefusal } from './address-rules.js';

const strict = new AddressRules({ allowHttp: false, allowedNetworks: [], allowedPorts: [] });
const local = new AddressRules({
  allowHttp: true,
  allowedNetworks: ['127.0.0.0/8', 'fd00:1::/32'],
  allowedPorts: [8443],
});

function reasonOf(rules: AddressRules, url: string): UrlRefusal | 'ok' {
  const verdict = rules.checkUrl(url);
  return verdict.ok ? 'ok' : verdict.reason;
}

describe('checkUrl with production rules', () => {
  it.each([
    'https://example.org',
    'https://example.org/',
    'HTTPS://EXAMPLE.ORG/Hook',
    'https://example.org:443/hook?a=1&b=%20',
    'https://example.org./hook',
    'https://example.org/hook#fragment',
    'https://example.org/user@host',
    'https://example.org/?to=a@b',
    'https://example.org?to=a@b',
    'https://sub-domain.under_score.example.org/',
    'https://bücher.example/',
    'https://xn--bcher-kva.example/',
    'https://intranet/',
    'https://localhost.example.org/',
    'https://notlocalhost/',
    'https://127.0.0.1.example.org/',
    'https://ex%61mple.org/',
    'https://8.8.8.8/',
    'https://1.1.1.1./',
    'https://134744072/',
    'https://0x08080808/',
    'https://010.8.8.8/',
    'https://172.15.255.255/',
    'https://172.32.0.0/',
    'https://100.63.255.255/',
    'https://100.128.0.0/',
    'https://223.255.255.255/',
    'https://[2606:4700:4700::1111]/',
    'https://[2606:4700:4700::1111]:443/',
    'https://[2A00:1450:4009:0:0:0:0:200E]/',
  ])('takes %s', (url) => {
    expect(reasonOf(strict, url)).toBe('ok');
  });

  it.each([
    // loopback
    'https://127.0.0.1/',
    'https://127.0.0.1./',
    'https://127.0.0.1:443/',
    'https://127.255.255.255/',
    'https://127.1/',
    'https://127.0.1/',
    'https://127.1./',
    'https://2130706433/',
    'https://2130706433./',
    'https://0x7f000001/',
    'https://0X7F000001/',
    'https://0x7f000001./',
    'https://017700000001/',
    'https://0177.0.0.1/',
    'https://0177.0.0.0x1/',
    'https://0000177.00.0.01/',
    'https://0x7f.0.0.1/',
    'https://0x7f.1/',
    'https://0x7F.0X0.0x0.0X1/',
    'https://127.0.0x0.01/',
    'https://%31%32%37.0.0.1/',
    'https://127%2e0%2e0%2e1/',
    'https://１２７.０.０.１/',
    'https://127。0。0。1/',
    'https://127．0．0．1/',
    'https://127｡0｡0｡1/',
    'https://①②⑦.⓪.⓪.①/',
    'https://𝟭𝟮𝟳.𝟬.𝟬.𝟭/',
    'https://０ｘ７ｆ.1/',
    'https://localhost/',
    'https://LOCALHOST/',
    'https://LocalHost./',
    'https://sub.localhost/',
    'https://a.b.LOCALHOST./',
    'https://ｌｏｃａｌｈｏｓｔ/',
    'https://loc%61lhost/',
    'https://[::1]/',
    'https://[0:0:0:0:0:0:0:1]/',
    'https://[0000:0000:0000:0000:0000:0000:0000:0001]/',
    'https://[::0.0.0.1]/',
    // unspecified
    'https://0/',
    'https://0.0.0.0/',
    'https://0x0/',
    'https://00000/',
    'https://0.1.2.3/',
    'https://[::]/',
    'https://[0::0]/',
    // private, shared and link-local IPv4, cloud metadata
    'https://10.0.0.1/',
    'https://10.1/',
    'https://0xa000001/',
    'https://012.0.0.1/',
    'https://167772161/',
    'https://172.16.0.1/',
    'https://172.31.255.255/',
    'https://192.168.0.1/',
    'https://192.168.257/',
    'https://3232235521/',
    'https://100.64.0.1/',
    'https://100.127.255.255/',
    'https://100.100.100.200/',
    'https://169.254.169.254/',
    'https://0xa9fea9fe/',
    'https://2852039166/',
    'https://0251.0376.0251.0376/',
    'https://169.254.43518/',
    'https://168.63.129.16/',
    'https://192.0.0.192/',
    // the rest of the IPv4 registry
    'https://192.0.0.9/',
    'https://192.0.2.1/',
    'https://192.31.196.1/',
    'https://192.52.193.1/',
    'https://192.88.99.1/',
    'https://192.175.48.1/',
    'https://198.18.0.1/',
    'https://198.19.255.255/',
    'https://198.51.100.1/',
    'https://203.0.113.1/',
    'https://224.0.0.1/',
    'https://239.255.255.250/',
    'https://240.0.0.1/',
    'https://255.255.255.255/',
    'https://0xffffffff/',
    'https://4294967295/',
    // an IPv4 address inside an IPv6 one
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:7f00:1]/',
    'https://[::FFFF:7F00:0001]/',
    'https://[0:0:0:0:0:ffff:127.0.0.1]/',
    'https://[::ffff:10.0.0.1]/',
    'https://[::ffff:8.8.8.8]/',
    'https://[::127.0.0.1]/',
    'https://[::7f00:1]/',
    'https://[::8.8.8.8]/',
    'https://[::ffff:0:127.0.0.1]/',
    'https://[64:ff9b::127.0.0.1]/',
    'https://[64:ff9b::a9fe:a9fe]/',
    'https://[64:ff9b:1::10.0.0.1]/',
    'https://[2002:7f00:1::]/',
    'https://[2002:a9fe:a9fe::1]/',
    'https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/',
    // the rest of IPv6
    'https://[fc00::1]/',
    'https://[fd00:ec2::254]/',
    'https://[FDFF:ffff:ffff:ffff:ffff:ffff:ffff:ffff]/',
    'https://[fe80::1]/',
    'https://[febf::1]/',
    'https://[fec0::1]/',
    'https://[feff::1]/',
    'https://[ff02::1]/',
    'https://[ff0e::1]/',
    'https://[100::1]/',
    'https://[100:0:0:1::1]/',
    'https://[2001:2::1]/',
    'https://[2001:3::1]/',
    'https://[2001:4:112::1]/',
    'https://[2001:10::1]/',
    'https://[2001:20::1]/',
    'https://[2001:30::1]/',
    'https://[2001:db8::1]/',
    'https://[2620:4f:8000::1]/',
    'https://[3fff::1]/',
    'https://[5f00::1]/',
    'https://[4000::1]/',
    'https://[1::1]/',
  ])('refuses the address of %s', (url) => {
    expect(reasonOf(strict, url)).toBe('address_not_allowed');
  });

  it.each<[string, UrlRefusal]>([
    ['', 'invalid_url'],
    ['example.org', 'invalid_url'],
    ['//example.org', 'invalid_url'],
    ['https://', 'invalid_url'],
    ['https:///', 'invalid_url'],
    ['https:example.org', 'invalid_url'],
    ['https:/example.org', 'invalid_url'],
    ['https:///example.org', 'invalid_url'],
    ['https:\\\\example.org', 'invalid_url'],
    ['https://example.org\\@127.0.0.1/', 'invalid_url'],
    [' https://example.org', 'invalid_url'],
    ['https://example.org ', 'invalid_url'],
    ['https://exa mple.org', 'invalid_url'],
    ['https://exa\tmple.org', 'invalid_url'],
    ['https://127.0\n.0.1/', 'invalid_url'],
    ['https://example.org/a\r\nhost: b', 'invalid_url'],
    ['https://exam\u0000ple.org/', 'invalid_url'],
    ['https://example.org%00.evil.example/', 'invalid_url'],
    ['https://./', 'invalid_url'],
    ['https://a..b/', 'invalid_url'],
    ['https://127.0.0.1../', 'invalid_url'],
    ['https://0x7f000001../', 'invalid_url'],
    ['https://localhost../', 'invalid_url'],
    ['https://1.2.3.4.5/', 'invalid_url'],
    ['https://256.0.0.1/', 'invalid_url'],
    ['https://4294967296/', 'invalid_url'],
    ['https://08.1.1.1/', 'invalid_url'],
    ['https://foo.127.1/', 'invalid_url'],
    ['https://::1/', 'invalid_url'],
    ['https://[::1/', 'invalid_url'],
    ['https://[::1%25lo]/', 'invalid_url'],
    ['https://[fe80::1%25eth0]/', 'invalid_url'],
    ['https://[fe80::1%eth0]/', 'invalid_url'],
    ['https://[::127.1]/', 'invalid_url'],
    ['https://[v1.fe80]/', 'invalid_url'],
    ['https://example.org:65536/', 'invalid_url'],
    ['https://example.org:-1/', 'invalid_url'],
    ['https://example.org:port/', 'invalid_url'],
    ['http://example.org/', 'scheme_not_allowed'],
    ['http://127.0.0.1/', 'scheme_not_allowed'],
    ['ftp://example.org/', 'scheme_not_allowed'],
    ['ws://example.org/', 'scheme_not_allowed'],
    ['gopher://127.0.0.1/', 'scheme_not_allowed'],
    ['file://host/etc/passwd', 'scheme_not_allowed'],
    ['https://user@example.org/', 'userinfo_not_allowed'],
    ['https://user:secret@example.org/', 'userinfo_not_allowed'],
    ['https://:secret@example.org/', 'userinfo_not_allowed'],
    ['https://@example.org/', 'userinfo_not_allowed'],
    ['https://example.org@127.0.0.1/', 'userinfo_not_allowed'],
    ['https://example.org%40127.0.0.1/', 'invalid_url'],
    ['https://example.org:80/', 'port_not_allowed'],
    ['https://example.org:0/', 'port_not_allowed'],
    ['https://example.org:22/', 'port_not_allowed'],
    ['https://example.org:8443/', 'port_not_allowed'],
    ['https://8.8.8.8:8443/', 'port_not_allowed'],
    ['https://127.0.0.1:8443/', 'address_not_allowed'],
  ])('refuses %j: %s', (url, reason) => {
    expect(reasonOf(strict, url)).toBe(reason);
  });

  it.each(['not a url', 'http://example.org/', 'ftp://example.org/', 'example.org'])(
    'says of %s that it is not a valid https url',
    (url) => {
      expect(strict.checkUrl(url)).toMatchObject({ message: 'is not a valid https url' });
    },
  );
});

describe('checkUrl with exempt networks, plain http and a port of its own', () => {
  it.each<[string, UrlRefusal | 'ok']>([
    ['http://127.0.0.1:49152/', 'ok'],
    ['http://127.1:49152/', 'ok'],
    ['http://[::ffff:127.0.0.1]:49152/', 'ok'],
    ['http://localhost:49152/', 'ok'],
    ['https://sub.localhost.:49152/', 'ok'],
    ['https://[fd00:1::1]:49152/', 'ok'],
    ['http://example.org/', 'ok'],
    ['http://example.org:80/', 'ok'],
    ['https://example.org:80/', 'ok'],
    ['https://example.org:8443/', 'ok'],
    ['https://8.8.8.8:8443/', 'ok'],
    // told at connect, by the address it resolves to
    ['https://receiver.example:49152/', 'ok'],
    ['https://8.8.8.8:49152/', 'port_not_allowed'],
    ['http://10.0.0.1/', 'address_not_allowed'],
    ['http://[::1]/', 'address_not_allowed'],
    ['https://[fd00:2::1]/', 'address_not_allowed'],
    ['https://[64:ff9b::127.0.0.1]/', 'address_not_allowed'],
    ['ftp://127.0.0.1/', 'scheme_not_allowed'],
    ['http://a:b@127.0.0.1/', 'userinfo_not_allowed'],
  ])('%s: %s', (url, reason) => {
    expect(reasonOf(local, url)).toBe(reason);
  });

  it('names the ports there are', () => {
    expect(local.checkUrl('https://8.8.8.8:22/')).toMatchObject({
      message: 'must use port 443 or 80 or 8443',
    });
  });
});

describe('isAllowed', () => {
  it.each([
    '',
    'localhost',
    '127.1',
    '2130706433',
    '0x7f.0.0.1',
    '010.8.8.8',
    '8.8.8.8 ',
    '8.8.8.8/32',
    '[::1]',
  ])('refuses %j, which is no address', (ip) => {
    expect(
      new AddressRules({ allowHttp: true, allowedNetworks: ['0.0.0.0/0'], allowedPorts: [] }).isAllowed(ip),
    ).toBe(false);
  });

  it('refuses zone ids', () => {
    expect(strict.isAllowed('fe80::1%eth0')).toBe(false);
    expect(strict.isAllowed('2606:4700::1%eth0')).toBe(false);
  });

  it('takes an IPv4-mapped address for its IPv4 when it comes to exemptions, and only then', () => {
    expect(local.isAllowed('::ffff:127.0.0.1')).toBe(true);
    expect(local.isAllowed('::ffff:8.8.8.8')).toBe(false);
  });

  it('agrees with node:net on every address', () => {
    fc.assert(
      fc.property(fc.oneof(anyIpv4, anyIpv6, edge), (ip) => {
        expect([ip, strict.isAllowed(ip)]).toEqual([ip, oracle(ip)]);
      }),
      { numRuns: 20_000 },
    );
  });

  it('exempts what is exempt and nothing else', () => {
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

describe('mayDial', () => {
  it.each<[string, number, boolean]>([
    ['8.8.8.8', 443, true],
    ['8.8.8.8', 80, true],
    ['8.8.8.8', 8443, true],
    ['8.8.8.8', 22, false],
    ['127.0.0.1', 22, true],
    ['::ffff:127.0.0.1', 22, true],
    ['10.0.0.1', 443, false],
    ['::1', 22, false],
  ])('%s port %i: %s', (ip, port, allowed) => {
    expect(local.mayDial(ip, port)).toBe(allowed);
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

  it('never throws and never takes what the URL parser refuses', () => {
    const anyText = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.webUrl(),
      fc.string().map((text) => `https://${text}`),
    );
    fc.assert(
      fc.property(anyText, (text) => {
        expect(reasonOf(strict, text) === 'ok' && !URL.canParse(text)).toBe(false);
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('AddressRules', () => {
  it.each(['', '10.0.0.0/33', '10.0.0/8', 'fd00::/129', 'localhost', '10.0.0.0/', '10.0.0.0/8/8', '::/x'])(
    'names %j, which is no network',
    (cidr) => {
      expect(
        () => new AddressRules({ allowHttp: false, allowedNetworks: ['10.0.0.0/8', cidr], allowedPorts: [] }),
      ).toThrow(`"${cidr}" is not a network`);
    },
  );

  it('takes a single address for a network', () => {
    const rules = new AddressRules({
      allowHttp: false,
      allowedNetworks: ['10.0.0.1', '::1'],
      allowedPorts: [],
    });
    expect(['10.0.0.1', '10.0.0.2', '::1', '::2'].map((ip) => rules.isAllowed(ip))).toEqual([
      true,
      false,
      true,
      false,
    ]);
  });
});

/**
 * The oracle: another matcher, and a list of its own that says what is *public*, written from the allocations
 * rather than from the exceptions.
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
  // One list a family: a BlockList takes an IPv4-mapped address for its IPv4.
  return publicAddresses[family(ip)].check(ip, family(ip));
}

const anyIpv4 = fc.ipV4();
const anyIpv6 = fc.oneof(
  fc.ipV6(),
  // Global unicast is an eighth of all addresses, its exceptions far less.
  fc
    .tuple(fc.constantFrom('2001', '2002', '2620', '3fff', '2000', 'fd00', '64'), word(), word())
    .map(([first, second, third]) => `${first}:${second}:${third}::1`),
);

/** Where a matcher is off by one: the ends of the public ranges and their neighbours. */
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

/** An IPv4 address with each part in a base of its own, with 1 to 4 parts. */
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
