/**
 * Where a message of ours may go to, when somebody else said the address (a department's webhook, a biller): the
 * defence against server-side request forgery (OWASP ASVS 5.0, 1.3.6). An address is https to a public host by name.
 * What is not (a host inside, plain http, another port, an IP address) must be on an explicit list; loopback is
 * opened by a setting of its own. The name is resolved once, every address that it has must be public, and the
 * connection goes to one of those very addresses, so that a second answer of the name server changes nothing.
 */
import { lookup, Resolver as NameServers } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { Fault } from '../../kernel/fault.ts';

/** What an installation allows beyond the public rule. */
export interface DestinationPolicy {
  /** `host` or `host:port`: may be http, may resolve to private addresses. */
  readonly allowedHosts: readonly string[];
  /** For tests and trials on one machine. */
  readonly allowLoopback: boolean;
}

/** An address to connect to, settled. */
export interface ResolvedAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

/** Resolves a name to all its addresses. */
export type Resolver = (hostname: string) => Promise<readonly ResolvedAddress[]>;

const URL_MAX = 2_000;
/** Ports of https that need no permission. [A] */
const PORTS = new Set(['', '443', '8443']);
/** Names that belong to nobody on the public net (RFC 6761, 6762, 7686, 8375; ICANN's .internal). */
const INSIDE =
  /(^|\.)(localhost|local|localdomain|internal|intranet|private|corp|home|lan|arpa|onion|invalid|test|example)$/;
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

function listOf(subnets: readonly string[], family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [address = '', bits] = subnet.split('/');
    list.addSubnet(address, Number(bits), family);
  }
  return list;
}

/** IPv4 that is not public (IANA special-purpose registry, 2026). */
const SPECIAL_IPV4 = listOf(
  [
    ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16'],
    ...['172.16.0.0/12', '192.0.0.0/24', '192.0.2.0/24', '192.31.196.0/24', '192.52.193.0/24'],
    ...['192.88.99.0/24', '192.168.0.0/16', '192.175.48.0/24', '198.18.0.0/15'],
    ...['198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4'],
  ],
  'ipv4',
);
/** All of IPv6 that is public lies here … */
const GLOBAL_IPV6 = listOf(['2000::/3'], 'ipv6');
/** … but not all here is public: Teredo, benchmarking, ORCHID, documentation, 6to4. */
const SPECIAL_IPV6 = listOf(
  ['2001::/23', '2001:db8::/32', '2002::/16', '2620:4f:8000::/48', '3fff::/20'],
  'ipv6',
);
const LOOPBACK = listOf(['127.0.0.0/8'], 'ipv4');

function isLoopback(address: string): boolean {
  return address === '::1' || (isIP(address) === 4 && LOOPBACK.check(address, 'ipv4'));
}

/** True for an address that anybody on the public net may have. IPv4 written inside IPv6 is not one. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !SPECIAL_IPV4.check(address, 'ipv4');
  return family === 6 && GLOBAL_IPV6.check(address, 'ipv6') && !SPECIAL_IPV6.check(address, 'ipv6');
}

function refuse(reason: string): never {
  throw new Fault('bad-input', 'A message may not be sent to this address.', {
    fields: { reason },
  });
}

/** The part between `//` and the path, as it was written. */
function writtenAuthority(text: string): string {
  return /^[a-z]+:\/\/([^/?#]*)/.exec(text)?.[1] ?? '';
}

function isListed(url: URL, policy: DestinationPolicy): boolean {
  return policy.allowedHosts.some((each) => each === url.hostname || each === url.host);
}

function bareAddress(hostname: string): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
}

function checkName(url: URL): void {
  const { hostname } = url;
  if (url.protocol !== 'https:') refuse('must begin with https://');
  if (!PORTS.has(url.port)) refuse('the port must be 443 or 8443');
  if (isIP(bareAddress(hostname)) !== 0) refuse('must name a host, not an IP address');
  const labels = hostname.split('.');
  if (labels.length < 2 || !labels.every((label) => LABEL.test(label)) || hostname.length > 253)
    refuse('the host is not a full name');
  if (/^\d+$/.test(labels.at(-1) ?? '')) refuse('the host is not a full name');
  if (INSIDE.test(hostname)) refuse('the host is not on the public net');
}

/**
 * Reads an address. Refuses (`bad-input`, with the reason in its fields) whatever is not plainly one public https
 * host: other schemes and ports, user names, fragments, IP addresses in any notation, hosts of the inside, and text
 * that a parser reads differently from a person.
 */
export function parseDestination(text: string, policy: DestinationPolicy): URL {
  if (text.length > URL_MAX) refuse('is too long');
  if (!/^[\x21-\x7e]+$/.test(text) || /[\\^`{|}<>"]/.test(text))
    refuse('has characters that no URL has');
  if (!URL.canParse(text)) refuse('is no URL');
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') refuse('must begin with https://');
  if (url.username !== '' || url.password !== '') refuse('must not hold a user name');
  if (url.hash !== '' || text.includes('#')) refuse('must not hold a fragment');
  const defaultPort = url.protocol === 'https:' ? '443' : '80';
  const written = writtenAuthority(text);
  // What the parser made of the host must be what was written: no 0x7f.1, no %31, no full-width digits, no last dot.
  if (written !== url.host && written !== `${url.host}:${defaultPort}`)
    refuse('the host is not written in its plain form');
  if (isListed(url, policy)) return url;
  const hostname = bareAddress(url.hostname);
  if (policy.allowLoopback && (isLoopback(hostname) || hostname === 'localhost')) return url;
  checkName(url);
  return url;
}

/** As the machine resolves names, with its own files: for hosts of the list and loopback. */
const byMachine: Resolver = async (hostname) =>
  (await lookup(hostname, { all: true })).map(({ address, family }) => ({
    address,
    family: family === 6 ? 6 : 4,
  }));

/**
 * By the name servers alone. Unlike the machine's own way it takes none of the process's few threads, so that names
 * that nobody answers for hold up no file and no hash of anybody else.
 */
const byNameServers: Resolver = async (hostname) => {
  const servers = new NameServers({ timeout: 2_000, tries: 2 });
  const [four, six] = await Promise.allSettled([
    servers.resolve4(hostname),
    servers.resolve6(hostname),
  ]);
  if (four.status === 'rejected' && six.status === 'rejected') throw four.reason;
  return [
    ...(four.status === 'fulfilled' ? four.value : []).map((address) => ({
      address,
      family: 4 as const,
    })),
    ...(six.status === 'fulfilled' ? six.value : []).map((address) => ({
      address,
      family: 6 as const,
    })),
  ];
};

/**
 * The address to connect to. Every address of the name must be allowed, or none is used (`bad-input`); a name that
 * does not resolve is `not-found`.
 */
export async function resolveDestination(
  url: URL,
  policy: DestinationPolicy,
  given?: Resolver,
): Promise<ResolvedAddress> {
  const hostname = bareAddress(url.hostname);
  const listed = isListed(url, policy);
  const resolver = given ?? (listed || hostname === 'localhost' ? byMachine : byNameServers);
  const family = isIP(hostname);
  let addresses: readonly ResolvedAddress[];
  try {
    addresses =
      family === 0
        ? await resolver(hostname)
        : [{ address: hostname, family: family === 6 ? 6 : 4 }];
  } catch (cause) {
    throw new Fault('not-found', 'The host of an address does not resolve.', { cause });
  }
  const [first] = addresses;
  if (first === undefined) throw new Fault('not-found', 'The host of an address does not resolve.');
  for (const { address } of addresses) {
    const allowed = isLoopback(address) ? policy.allowLoopback : listed || isPublicAddress(address);
    if (!allowed) refuse('the host resolves to an address that is not public');
  }
  return first;
}
