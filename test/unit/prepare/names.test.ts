// What hosts say they are called, on its way into the hosts files of others.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { KbError } from '../../../src/errors.ts';
import { withHostsEntries, planHostsFile } from '../../../src/prepare/hosts-file.ts';
import { entriesFor, type SurveyedHost } from '../../../src/prepare/names.ts';
import { parseState } from '../../../src/prepare/state.ts';
import { bareState, specOf } from './states.ts';

function host(name: string, index: number, text = ''): SurveyedHost {
  const address = `192.168.3.${index}`;
  const state = { hostname: name, addresses: [address], texts: new Map([['/etc/hosts', text]]) };
  return { host: address, reachedAddress: address, state };
}

function details(work: () => unknown): readonly string[] {
  try {
    work();
  } catch (error) {
    if (error instanceof KbError) return error.problems.map(({ code, host: on, detail }) => `${code} ${on} ${detail}`);
    throw error;
  }
  return [];
}

test('hosts get to know each other by their names in lower case, and the short ones', () => {
  expect(
    entriesFor([host('Master1.example', 1), host('node1', 2), host('localhost.localdomain', 3)], specOf()),
  ).toEqual([
    { address: '192.168.3.1', names: ['master1.example', 'master1'], isOwn: true },
    { address: '192.168.3.2', names: ['node1'], isOwn: true },
  ]);
});

test('two hosts of one name are refused', () => {
  expect(details(() => entriesFor([host('node1', 1), host('NODE1', 2)], specOf()))).toEqual([
    'KB_HOST_NAME 192.168.3.1 192.168.3.2 and 192.168.3.1 have the same name node1',
    'KB_HOST_NAME 192.168.3.2 192.168.3.1 and 192.168.3.2 have the same name node1',
  ]);
});

test('a short name that two hosts could have is nobody’s', () => {
  const entries = entriesFor([host('node.a', 1), host('node.b', 2), host('x.c', 3), host('x', 4)], specOf());
  expect(entries.map(({ names }) => names)).toEqual([['node.a'], ['node.b'], ['x.c'], ['x']]);
});

test.each([
  ['of an entry that the user gave', 'api.example', '--hosts-entry, which is "10.0.0.9"'],
  ['of another line of the file', 'vault.example', '/etc/hosts of 192.168.3.2, which is "10.0.0.5"'],
  ['of the registry', 'registry.k8s.io', 'a package repository or registry of this command'],
  ['of upstream’s packages', 'pkgs.k8s.io', 'a package repository or registry of this command'],
  ['of a mirror', 'mirror.lan', 'a package repository or registry of this command'],
])('a host may not take the name %s', (_, name, by) => {
  const spec = specOf({ hostsEntry: ['10.0.0.9=api.example'], registryMirror: ['registry.k8s.io=https://mirror.lan'] });
  const hosts = [host(name, 1), host('node2', 2, '127.0.1.1 node2\n10.0.0.5 vault.example # the vault\n')];
  expect(details(() => entriesFor(hosts, spec))).toEqual([
    `KB_HOST_NAME 192.168.3.1 192.168.3.1 calls itself ${name}; that name is taken by ${by}`,
  ]);
});

test('a host may not take the name by which another was reached', () => {
  const other = { ...host('m1', 2), host: 'master1' };
  expect(details(() => entriesFor([host('master1', 1), other], specOf()))).toEqual([
    'KB_HOST_NAME 192.168.3.1 192.168.3.1 calls itself master1, another host of this command',
  ]);
});

test('a host has its own name in files that have it with an address of its own', () => {
  const spec = specOf({ hostsEntry: ['192.168.3.1=api.example'] });
  const text = '127.0.1.1 api.example\n';
  const elsewhere = '192.168.3.1 api.example\n';
  expect(entriesFor([host('api.example', 1, text), host('node2', 2, elsewhere)], spec)).toHaveLength(2);
});

test('a name that a host says is its own is not put beside a line that the file has', () => {
  const entries = [
    { address: '192.168.3.1', names: ['node1.example', 'node1'], isOwn: true as const },
    { address: '192.168.3.2', names: ['node2'], isOwn: true as const },
  ];
  const text = '10.0.0.1 node1.example\n127.0.1.1 node2\n';
  const plan = planHostsFile({ ...bareState, texts: new Map([['/etc/hosts', text]]) }, { ...specOf(), hosts: entries });
  const bodies = plan.actions.flatMap((action) => (action.kind === 'file' ? [action.artifact.body] : []));
  expect(bodies.join('')).toContain('192.168.3.1\tnode1\n192.168.3.2\tnode2\n');
  expect(plan.warnings).toEqual([]);
});

test.each([
  'a registry.k8s.io b',
  '*',
  'x,evil=https://10.72.1.66:2380',
  'a\nb',
  'a\u001B[2J',
  'a\u202Eb',
  'ä',
  '10.0.0.1\tx',
])('a host called %j is refused where its answer is read', (name) => {
  const lines = name.split('\n').map((line) => `hostname ${line}\n`);
  expect(details(() => parseState(`kernel 6.1.0\n${lines.join('')}`, () => []))[0]).toMatch(/^KB_HOST_NAME /);
});

test('whatever a host is called, a hosts file gets one name of a host from it or nothing', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.string(), fc.domain()), (name) => {
      let text = '';
      try {
        const { hostname } = parseState(
          name
            .split('\n')
            .map((line) => `hostname ${line}\n`)
            .join(''),
          () => [],
        );
        text = withHostsEntries('', entriesFor([host(hostname, 1), host('node2', 2)], specOf()));
      } catch (error) {
        if (!(error instanceof KbError)) throw error;
      }
      const own = text.split('\n').filter((line) => line.startsWith('192.168.3.1\t'));
      expect(own.length).toBeLessThan(2);
      for (const line of own) {
        expect(line).toMatch(/^192\.168\.3\.1\t[a-z0-9.-]+(?: [a-z0-9-]+)?$/);
        expect(line.split('\t')[1]?.split(' ')[0]).toBe(name.toLowerCase());
      }
      expect(text.split('\n').length).toBeLessThan(6);
    }),
    { numRuns: 500 },
  );
});
