// Ports between hosts: who must reach whom, and what an attempt shows.
import { Duplex } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { reachFindings, tryWay, wantedWays, type Tried, type Way } from '../../../src/preflight/reach.ts';

const hosts = [
  { host: 'm1', role: 'control-plane', address: '10.0.0.1' },
  { host: 'm2', role: 'control-plane', address: '10.0.0.2' },
  { host: 'w1', role: 'worker', address: '10.0.0.11' },
  { host: 'w2', role: 'worker', address: '10.0.0.12' },
] as const;

const ways = (hasLocalEtcd: boolean): readonly string[] =>
  wantedWays(hosts, { apiPort: 6443, hasLocalEtcd }).map(({ from, to, port }) => `${from}>${to}:${port}`);

describe('the ways that are wanted', () => {
  test('workers need the API servers alone, and nothing of each other', () => {
    expect(ways(true).filter((way) => way.startsWith('w1'))).toEqual(['w1>m1:6443', 'w1>m2:6443']);
  });

  test('control planes need API server, etcd and kubelet of each other, and the kubelets of workers', () => {
    expect(ways(true).filter((way) => way.startsWith('m1'))).toEqual([
      'm1>m2:6443',
      'm1>m2:2379',
      'm1>m2:2380',
      'm1>m2:10250',
      'm1>w1:10250',
      'm1>w2:10250',
    ]);
  });

  test('with an etcd elsewhere its ports are not asked for', () => {
    expect(ways(false).filter((way) => /:23/.test(way))).toEqual([]);
  });
});

const way: Way = { from: 'w1', to: 'm1', address: '10.0.0.1', port: 6443 };
const failing = (error: Error, code?: string): Promise<Duplex> => Promise.reject(Object.assign(error, { code }));

describe('an attempt', () => {
  test.each<[string, Tried, () => Promise<Duplex>]>([
    ['is answered', 'open', () => Promise.resolve(new Duplex())],
    ['is refused: the way there is open', 'open', () => failing(new Error('refused'), 'ECONNREFUSED')],
    ['has no route', 'closed', () => failing(new Error('No route to host'), 'EHOSTUNREACH')],
    ['is never answered', 'closed', () => new Promise(() => undefined)],
    ['is forbidden by sshd', 'unknown', () => failing(new Error('administratively prohibited'))],
  ])('that %s is %s', async (_, expected, dial) => {
    expect(await tryWay({ dial }, way, 0.05)).toBe(expected);
  });

  test('that is answered too late leaves no connection behind', async () => {
    const stream = new Duplex();
    const dial = (): Promise<Duplex> => new Promise((resolve) => setTimeout(() => resolve(stream), 40));
    expect(await tryWay({ dial }, way, 0.01)).toBe('closed');
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(stream.destroyed).toBe(true);
  });
});

describe('findings', () => {
  const from = (name: string, result: Tried): { way: Way; result: Tried } => ({ way: { ...way, from: name }, result });

  test('one for each port, about the host that is not reached, naming those who tried', () => {
    const [only, ...more] = reachFindings([from('w1', 'closed'), from('w2', 'open'), from('w3', 'closed')]);
    expect(more).toEqual([]);
    expect(only).toMatchObject({
      host: 'm1',
      finding: {
        name: 'Reachable-6443',
        level: 'error',
        text: 'port 6443 at 10.0.0.1 cannot be reached from w1, w3',
        fix: expect.stringContaining('--add-port=6443/tcp'),
      },
    });
  });

  test('a long list of hosts is cut', () => {
    const many = ['a', 'b', 'c', 'd', 'e'].map((name) => from(name, 'closed'));
    expect(reachFindings(many)[0]?.finding.text).toContain('a, b, c and 2 more');
  });

  test('a host that opens no connections is told so once, as a warning', () => {
    const tried = [from('w1', 'unknown'), from('w1', 'unknown')];
    expect(reachFindings(tried).map(({ host, finding }) => [host, finding.level])).toEqual([['w1', 'warning']]);
  });
});
