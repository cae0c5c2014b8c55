import { describe, expect, it } from '@jest/globals';
import { REFUSED, TAKEN } from '../../../test/support/spellings.js';
import { AddressRules, type UrlRefusal } from './address-rules.js';

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

describe('checkUrl with production rules', () => {
  it.each(TAKEN)('takes %s', (url) => {
    expect(reasonOf(strict, url)).toBe('ok');
  });

  it.each(REFUSED)('refuses %j: %s', (url, reason) => {
    expect(reasonOf(strict, url)).toBe(reason);
  });

  it.each(['not a url', 'http://example.org/', 'ftp://example.org/', 'example.org'])(
    'refuses %s as not a valid url of an accepted scheme',
    (url) => {
      expect(strict.checkUrl(url)).toMatchObject({ message: 'is not a valid https url' });
    },
  );

  it('says how long a host name may be', () => {
    expect(strict.checkUrl(`https://${'a'.repeat(64)}.example/`)).toMatchObject({
      message: 'is not a valid https url: a host name has 253 characters at most, 63 between two dots',
    });
  });
});

describe('the request target', () => {
  it.each([
    ['https://example.org', '/'],
    ['https://example.org?', '/?'],
    ['https://example.org#a?b', '/'],
    ['https://example.org?to=a@b#c', '/?to=a@b'],
    ['https://example.org/a?', '/a?'],
    ['https://example.org/a?#b', '/a?'],
    ['https://example.org//a//?b?', '//a//?b?'],
    ['https://example.org/a/./b/../c/%2E%2e/d', '/a/./b/../c/%2E%2e/d'],
    [`https://example.org/%7e~?q='"<{|}>^\`[]&r=%zz&s=a+b;c`, `/%7e~?q='"<{|}>^\`[]&r=%zz&s=a+b;c`],
    ['https://EXAMPLE.org:443/Hook', '/Hook'],
    // characters that a request line cannot have; browsers encode the same
    ['https://bücher.example/zoë?q=ü😀', '/zo%C3%AB?q=%C3%BC%F0%9F%98%80'],
  ])('of %s is %s', (url, target) => {
    expect(strict.checkUrl(url)).toMatchObject({ ok: true, target });
  });
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
    // decided at the connection, by the resolved address
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

  it.each(['not a url', 'ftp://example.org/'])('names both schemes where %s is refused', (url) => {
    expect(local.checkUrl(url)).toMatchObject({ message: 'is not a valid http or https url' });
  });

  it('names the accepted ports', () => {
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

  it('treats an IPv4-mapped address as its IPv4 for exemptions only', () => {
    expect(local.isAllowed('::ffff:127.0.0.1')).toBe(true);
    expect(local.isAllowed('::ffff:8.8.8.8')).toBe(false);
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

describe('AddressRules', () => {
  it.each(['', '10.0.0.0/33', '10.0.0/8', 'fd00::/129', 'localhost', '10.0.0.0/', '10.0.0.0/8/8', '::/x'])(
    'names %j, which is no network',
    (cidr) => {
      expect(
        () => new AddressRules({ allowHttp: false, allowedNetworks: ['10.0.0.0/8', cidr], allowedPorts: [] }),
      ).toThrow(`"${cidr}" is not a network`);
    },
  );

  it('accepts a single address as a network', () => {
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
