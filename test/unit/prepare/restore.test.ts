import { expect, test } from 'vitest';
import type { LedgerEntry } from '../../../src/host/ledger.ts';
import { planRestore, type RestoreView } from '../../../src/prepare/restore.ts';

const copyPath = (index: number): string => `/ledger/${index}`;

function view(entries: readonly LedgerEntry[], more: Partial<RestoreView> = {}): RestoreView {
  return { entries, copyPath, sums: new Map(), texts: new Map(), sysctls: new Map(), ...more };
}

const whys = (of: ReturnType<typeof planRestore>): readonly string[] => of.steps.map(({ why }) => why);
const made: LedgerEntry = { kind: 'file', path: '/etc/a', existed: false, after: 'new' };
const replaced: LedgerEntry = { kind: 'file', path: '/etc/b', existed: true, after: 'new' };

test('the last change is the first to go', () => {
  const sums = new Map([
    ['/etc/a', 'new'],
    ['/etc/b', 'new'],
    ['/ledger/2', 'old'],
  ]);
  const plan = planRestore(view([{ kind: 'folder', path: '/etc/d' }, made, replaced], { sums }), false);
  expect(whys(plan)).toEqual(['put /etc/b back', 'remove /etc/a', 'remove /etc/d if it is empty']);
  expect(plan.changed).toEqual([]);
});

test('what is back already is left alone', () => {
  const sums = new Map([
    ['/etc/b', 'old'],
    ['/ledger/1', 'old'],
  ]);
  expect(planRestore(view([made, replaced], { sums }), false)).toEqual({ steps: [], changed: [] });
});

test('a file that was edited since is told, and put back only when forced', () => {
  const sums = new Map([['/etc/a', 'edited']]);
  expect(planRestore(view([made], { sums }), false).changed).toEqual(['/etc/a was edited after kbinit wrote it']);
  const forced = planRestore(view([made], { sums }), true);
  expect(forced.changed).toEqual([]);
  expect(whys(forced)).toEqual(['remove /etc/a']);
});

test('a copy that is gone is told, and the file is not touched', () => {
  const plan = planRestore(view([replaced], { sums: new Map([['/etc/b', 'new']]) }), true);
  expect(plan).toEqual({ steps: [], changed: ['/etc/b: its copy /ledger/0 is gone'] });
});

test("a hosts file that others edited loses kbinit's lines and nothing else", () => {
  const entry: LedgerEntry = { kind: 'file', path: '/etc/hosts', existed: true, after: 'new', edit: 'hosts' };
  const text = 'a\n# kbinit: begin (written by `kbinit host prepare`)\n10.0.0.1\tx\n# kbinit: end\nadmin\n';
  const sums = new Map([
    ['/etc/hosts', 'edited'],
    ['/ledger/0', 'old'],
  ]);
  const plan = planRestore(view([entry], { sums, texts: new Map([['/etc/hosts', text]]) }), false);
  expect(plan.changed).toEqual([]);
  expect(plan.steps).toMatchObject([{ kind: 'write', path: '/etc/hosts', body: 'a\nadmin\n' }]);
});

test('an edit between two preparations is not lost with the copy of the first', () => {
  const entry: LedgerEntry = {
    kind: 'file',
    path: '/etc/fstab',
    existed: true,
    after: 'new',
    edit: 'fstab',
    isMixed: true,
  };
  const sums = new Map([
    ['/etc/fstab', 'new'],
    ['/ledger/0', 'old'],
  ]);
  const texts = new Map([['/etc/fstab', '/dev/a / xfs\n# kbinit swap off: /s none swap sw\n']]);
  const plan = planRestore(view([entry], { sums, texts }), false);
  expect(plan.steps).toMatchObject([{ kind: 'write', body: '/dev/a / xfs\n/s none swap sw\n' }]);
});

test('a sysctl goes back unless somebody set it since', () => {
  const entry: LedgerEntry = { kind: 'sysctl', key: 'net.ipv4.ip_forward', before: '0', after: '1' };
  const at = (value: string): ReturnType<typeof planRestore> =>
    planRestore(view([entry], { sysctls: new Map([[entry.key, value]]) }), false);
  expect(whys(at('1'))).toEqual(['set net.ipv4.ip_forward = 0']);
  expect(at('0')).toEqual({ steps: [], changed: [] });
  expect(at('2').changed).toEqual(['net.ipv4.ip_forward is 2; kbinit set 1']);
});

test('a service that slept stops before its files go; one that ran comes back after them', () => {
  const asleep: LedgerEntry = { kind: 'unit', unit: 'kubelet.service', enabled: '', wasActive: false };
  const awake: LedgerEntry = { kind: 'unit', unit: 'chronyd.service', enabled: 'enabled', wasActive: true };
  const plan = planRestore(view([made, asleep, awake], { sums: new Map([['/etc/a', 'new']]) }), false);
  expect(whys(plan)).toEqual([
    'stop kubelet.service',
    'keep kubelet.service from starting at boot',
    'remove /etc/a',
    'reload the systemd units',
    'start chronyd.service at boot',
    'restart chronyd.service',
  ]);
});
