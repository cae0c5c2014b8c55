/**
 * Networks no callback may reach: the IANA special-purpose registries, the ranges that are reserved by
 * other documents, and the cloud-metadata addresses that lie outside of both. "Globally reachable" entries of
 * the registries (AS112, AMT) are here too: no service receives callbacks there.
 *
 * @see https://www.iana.org/assignments/iana-ipv4-special-registry
 * @see https://www.iana.org/assignments/iana-ipv6-special-registry
 */
export const SPECIAL_PURPOSE_NETWORKS = [
  // IPv4
  '0.0.0.0/8', // this network (RFC 791)
  '10.0.0.0/8', // private (RFC 1918)
  '100.64.0.0/10', // shared address space, CGNAT (RFC 6598); Alibaba Cloud metadata 100.100.100.200
  '127.0.0.0/8', // loopback (RFC 1122)
  '168.63.129.16/32', // Azure's wire server: a public address that the host itself serves
  '169.254.0.0/16', // link-local (RFC 3927); AWS, GCP and Azure metadata 169.254.169.254
  '172.16.0.0/12', // private (RFC 1918)
  '192.0.0.0/24', // IETF protocol assignments (RFC 6890); Oracle Cloud metadata 192.0.0.192
  '192.0.2.0/24', // documentation, TEST-NET-1 (RFC 5737)
  '192.31.196.0/24', // AS112-v4 (RFC 7535)
  '192.52.193.0/24', // AMT (RFC 7450)
  '192.88.99.0/24', // 6to4 relay anycast, deprecated (RFC 7526)
  '192.168.0.0/16', // private (RFC 1918)
  '192.175.48.0/24', // direct delegation AS112 (RFC 7534)
  '198.18.0.0/15', // benchmarking (RFC 2544)
  '198.51.100.0/24', // documentation, TEST-NET-2 (RFC 5737)
  '203.0.113.0/24', // documentation, TEST-NET-3 (RFC 5737)
  '224.0.0.0/4', // multicast (RFC 5771)
  '240.0.0.0/4', // reserved (RFC 1112), limited broadcast (RFC 8190)

  // IPv6 outside of global unicast; listed here although GLOBAL_UNICAST_IPV6 already excludes them
  '::/96', // unspecified, loopback, IPv4-compatible (RFC 4291)
  '::ffff:0:0/96', // IPv4-mapped (RFC 4291)
  '::ffff:0:0:0/96', // IPv4-translated (RFC 2765)
  '64:ff9b::/96', // NAT64 (RFC 6052)
  '64:ff9b:1::/48', // local-use NAT64 (RFC 8215)
  '100::/64', // discard only (RFC 6666)
  '100:0:0:1::/64', // dummy prefix (RFC 9780)
  '5f00::/16', // segment routing SIDs (RFC 9602)
  'fc00::/7', // unique local (RFC 4193); AWS metadata fd00:ec2::254
  'fe80::/10', // link-local (RFC 4291)
  'fec0::/10', // site-local, deprecated (RFC 3879)
  'ff00::/8', // multicast (RFC 4291)

  // IPv6 inside of global unicast
  '2001::/23', // IETF protocol assignments (RFC 2928): Teredo, benchmarking, AMT, AS112, ORCHID, DRIP
  '2001:db8::/32', // documentation (RFC 3849)
  '2002::/16', // 6to4 (RFC 3056): carries an IPv4 address
  '2620:4f:8000::/48', // direct delegation AS112 (RFC 7534)
  '3fff::/20', // documentation (RFC 9637)
] as const;

/** The only block that IANA allocates as public IPv6 (RFC 4291 §2.4). Addresses outside of it are refused. */
export const GLOBAL_UNICAST_IPV6 = '2000::/3';
