/** Allow-lists of remote addresses: single addresses and CIDR blocks, IPv4 and IPv6. */
import { BlockList, isIP, isIPv4 } from 'node:net';
import { Fault } from '../../kernel/fault.ts';

/** Says whether a remote address is on the list. */
export interface AddressList {
  has(address: string): boolean;
}

const MAPPED = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i;

/** An IPv4 address that a dual-stack socket reports as `::ffff:a.b.c.d`, as IPv4; others unchanged. */
export function unmapAddress(address: string): string {
  const ipv4 = MAPPED.exec(address)?.[1];
  return ipv4 !== undefined && isIPv4(ipv4) ? ipv4 : address;
}

function refuse(): never {
  throw new Fault(
    'bad-input',
    'An allowed address is an IP address or a CIDR block such as 10.1.0.0/16.',
  );
}

function addTo(list: BlockList, entry: string): void {
  const [address = '', prefix, ...rest] = entry.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) refuse();
  const type = family === 4 ? 'ipv4' : 'ipv6';
  if (prefix === undefined) {
    list.addAddress(address, type);
    return;
  }
  const bits = /^\d{1,3}$/.test(prefix) ? Number(prefix) : -1;
  if (bits < 0 || bits > (family === 4 ? 32 : 128)) refuse();
  list.addSubnet(address, bits, type);
}

/** Compiles a list. An empty one has nobody on it; an entry that is no address or block is `bad-input`. */
export function compileAddressList(entries: readonly string[]): AddressList {
  const list = new BlockList();
  for (const entry of entries) addTo(list, entry);
  return {
    has(address) {
      const plain = unmapAddress(address);
      const family = isIP(plain);
      return family !== 0 && list.check(plain, family === 4 ? 'ipv4' : 'ipv6');
    },
  };
}
