import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  cidrContains,
  cidrSize,
  cidrsOverlap,
  formatCidr,
  formatIp,
  isGlobalUnicast,
  isLoopback,
  isUnspecified,
  joinHostPort,
  nthAddress,
  parseCidr,
  parseCidrs,
  parseIp,
  type Cidr,
  type Ip,
} from '../../../src/util/net.ts';

function ip(text: string): Ip {
  const parsed = parseIp(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
}

function cidr(text: string): Cidr {
  const parsed = parseCidr(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
}

test.each([
  ['10.0.0.1', '10.0.0.1'],
  ['FD00:0:0:0:0:0:0:1', 'fd00::1'],
  ['::', '::'],
  ['1::', '1::'],
  ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
  ['1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'],
  ['::ffff:192.168.1.2', '192.168.1.2'],
  ['64:ff9b::1.2.3.4', '64:ff9b::102:304'],
])('prints %s as %s', (text, printed) => {
  expect(formatIp(ip(text))).toBe(printed);
});

test.each(['', '10.0.0', '10.0.0.256', '010.0.0.1', 'fe80::1%eth0', '::1::', 'host', '1.2.3.4/24'])(
  'does not take %j for an address',
  (text) => {
    expect(parseIp(text)).toBeUndefined();
  },
);

test.each(['10.0.0.0', '10.0.0.0/33', 'fd00::/129', '10.0.0.0/', '10.0.0.0/-1', '::ffff:10.0.0.0/120', '/8'])(
  'does not take %j for a range',
  (text) => {
    expect(parseCidr(text)).toBeUndefined();
  },
);

test('a range begins at its first address', () => {
  expect(formatCidr(cidr('10.96.5.7/12'))).toBe('10.96.0.0/12');
});

test('service addresses are the first and the tenth of the range', () => {
  expect(nthAddress(cidr('10.96.0.0/12'), 1)).toBe('10.96.0.1');
  expect(nthAddress(cidr('fd00:10:96::/112'), 10)).toBe('fd00:10:96::a');
  expect(nthAddress(cidr('10.0.0.0/30'), 4)).toBeUndefined();
});

test('a list is a list of ranges only', () => {
  expect(parseCidrs('10.0.0.0/8,fd00::/64')?.map(formatCidr)).toEqual(['10.0.0.0/8', 'fd00::/64']);
  expect(parseCidrs('10.0.0.0/8, fd00::/64')).toBeUndefined();
  expect(parseCidrs('')).toBeUndefined();
});

test.each([
  ['10.96.0.0/12', '10.100.0.0/16', true],
  ['10.100.0.0/16', '10.96.0.0/12', true],
  ['10.96.0.0/12', '10.112.0.0/16', false],
  ['0.0.0.0/0', 'fd00::/8', false],
])('%s and %s overlap: %s', (a, b, overlaps) => {
  expect(cidrsOverlap(cidr(a), cidr(b))).toBe(overlaps);
});

test('knows which addresses others may reach', () => {
  expect(['192.168.3.1', '8.8.8.8', 'fd00::1', '2001:db8::1'].map(ip).every(isGlobalUnicast)).toBe(true);
  const others = [
    '127.0.0.1',
    '0.0.0.0',
    '::',
    '::1',
    '169.254.1.1',
    'fe80::1',
    '224.0.0.1',
    'ff02::1',
    '255.255.255.255',
  ];
  expect(others.map(ip).some(isGlobalUnicast)).toBe(false);
  expect([ip('127.3.2.1'), ip('::1')].every(isLoopback)).toBe(true);
  expect([ip('0.0.0.0'), ip('::')].every(isUnspecified)).toBe(true);
});

test('an IPv6 address with a port is in brackets', () => {
  expect(joinHostPort('fd00::1', 6443)).toBe('[fd00::1]:6443');
  expect(joinHostPort('10.0.0.1', 6443)).toBe('10.0.0.1:6443');
});

const address = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }).map((value): Ip => ({ family: 4, value })),
  fc.bigInt({ min: 2n ** 48n, max: 2n ** 128n - 1n }).map((value): Ip => ({ family: 6, value })),
);

test('what is printed reads back the same', () => {
  fc.assert(
    fc.property(address, (given) => {
      expect(ip(formatIp(given))).toEqual(given);
    }),
  );
});

test('every address of a range is in it, the next one is not', () => {
  fc.assert(
    fc.property(address, fc.integer({ min: 1, max: 32 }), (given, length) => {
      const range = cidr(`${formatIp(given)}/${length}`);
      const last = range.ip.value + cidrSize(range) - 1n;
      expect(cidrContains(range, given)).toBe(true);
      expect(cidrContains(range, { family: given.family, value: last })).toBe(true);
      expect(cidrContains(range, { family: given.family, value: last + 1n })).toBe(false);
    }),
  );
});
