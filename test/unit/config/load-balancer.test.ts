import { describe, expect, test } from 'vitest';
import { readLoadBalancer, type LoadBalancerFlags } from '../../../src/config/load-balancer.ts';
import { KbError } from '../../../src/errors.ts';

const one = { backend: ['master1=192.168.3.29'] } as const;
const pair = { ...one, vip: '192.168.3.40', interface: 'eth0', peer: ['192.168.3.34'] } as const;

/** What is said about flags that are refused. */
function refusals(flags: LoadBalancerFlags): string {
  try {
    readLoadBalancer(flags);
  } catch (error) {
    if (error instanceof KbError) return error.problems.map(({ detail }) => detail).join('\n');
    throw error;
  }
  return '';
}

describe('a backend', () => {
  test.each([
    ['master1=192.168.3.29', { name: 'master1', address: '192.168.3.29', port: 6443 }],
    ['192.168.3.29', { name: '192.168.3.29', address: '192.168.3.29', port: 6443 }],
    ['192.168.3.29:7443', { name: '192.168.3.29', address: '192.168.3.29', port: 7443 }],
    ['m1=master1.lab:6444', { name: 'm1', address: 'master1.lab', port: 6444 }],
    ['m1=[fd00::29]:6444', { name: 'm1', address: 'fd00::29', port: 6444 }],
    ['m1=[fd00:0::29]', { name: 'm1', address: 'fd00::29', port: 6443 }],
    ['fd00::29', { name: 'fd00::29', address: 'fd00::29', port: 6443 }],
  ])('%s is read', (text, backend) => {
    expect(readLoadBalancer({ backend: [text] }).backends).toEqual([backend]);
  });

  test.each([
    '',
    'master1=',
    '=192.168.3.29',
    'ma ster=192.168.3.29',
    'master1=192.168.3.29:0',
    'master1=192.168.3.29:65536',
    'master1=192.168.3.29:6443:1',
    'master1=192.168.3.299',
    'master1=0.0.0.0',
    'master1=[::]',
    'master1=[fd00::29',
    'master1=[192.168.3]:6443',
    'master1=fe80::1%eth0',
    'master1=https://192.168.3.29',
    'master1=192.168.3.29\n    server evil 6.6.6.6',
    'm\n1=192.168.3.29',
  ])('%j is refused', (text) => {
    expect(refusals({ backend: [text] })).toContain('--backend');
  });

  test('has to be there', () => {
    expect(refusals({})).toContain('no API server is named');
    expect(refusals({ backend: [] })).toContain('no API server is named');
  });

  test('given twice is refused, by name and by place, however it is written', () => {
    expect(refusals({ backend: ['a=10.0.0.1', 'a=10.0.0.2'] })).toContain('names two API servers');
    expect(refusals({ backend: ['a=10.0.0.1', 'b=10.0.0.1:6443'] })).toContain('given twice');
    expect(refusals({ backend: ['a=[fd00::1]', 'b=fd00:0:0::1'] })).toContain('given twice');
    expect(refusals({ backend: ['a=10.0.0.1', 'b=10.0.0.1:7443'] })).toBe('');
  });

  test('where the balancer itself listens is refused', () => {
    expect(refusals({ backend: ['127.0.0.1'] })).toContain('where the balancer itself listens');
    expect(refusals({ backend: ['10.0.0.9'], bind: '10.0.0.9' })).toContain('where the balancer itself listens');
    expect(refusals({ backend: ['127.0.0.1'], port: 8443 })).toBe('');
  });
});

describe('bind and port', () => {
  test('are every IPv4 address and 6443 unless given', () => {
    expect(readLoadBalancer(one)).toMatchObject({ bind: '*', port: 6443 });
    expect(readLoadBalancer({ ...one, bind: '::', port: 443 })).toMatchObject({ bind: '::', port: 443 });
  });

  test.each([0, 65_536])('port %i is refused', (port) => {
    expect(refusals({ ...one, port })).toContain('--port');
  });

  test.each(['lb', '10.0.0.1:6443', '10.0.0.0/24', '[::]'])('bind %s is refused', (bind) => {
    expect(refusals({ ...one, bind })).toContain('--bind');
  });
});

describe('a shared address', () => {
  test('has a router id and a priority of its own unless given', () => {
    expect(readLoadBalancer(pair).failover).toEqual({
      address: '192.168.3.40',
      interface: 'eth0',
      peers: ['192.168.3.34'],
      routerId: 51,
      priority: 100,
    });
  });

  test.each([
    [{ vip: 'lb.example' }, '--vip'],
    [{ vip: '0.0.0.0' }, '--vip'],
    [{ interface: 'eth0; rm' }, '--interface'],
    [{ interface: 'a-name-that-is-too-long' }, '--interface'],
    [{ peer: [] }, '--peer'],
    [{ peer: ['lb2'] }, '--peer'],
    [{ peer: ['fd00::34'] }, 'family'],
    [{ peer: ['192.168.3.40'] }, 'the address that moves'],
    [{ peer: ['192.168.3.34', '192.168.3.34'] }, 'given twice'],
    [{ routerId: 0 }, '--router-id'],
    [{ routerId: 256 }, '--router-id'],
    [{ priority: 0 }, '--priority'],
    [{ priority: 255 }, '--priority'],
  ])('%j is refused', (change, said) => {
    expect(refusals({ ...pair, ...change })).toContain(said);
  });

  test('is needed for its flags', () => {
    expect(refusals({ ...one, interface: 'eth0', routerId: 7 })).toContain(
      '--interface, --router-id: it requires --vip',
    );
  });
});

test('everything wrong is said at once', () => {
  const text = refusals({ backend: ['a=0.0.0.0'], bind: 'x', port: 0, vip: '::1', peer: ['y'] });
  for (const flag of ['--backend', '--bind', '--port', '--vip', '--interface', '--peer']) expect(text).toContain(flag);
});
