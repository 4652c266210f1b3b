// What a dry run shows of parts that depend on packages which are only planned.
import { expect, test } from 'vitest';
import type { LedgerEntry } from '../../../src/host/ledger.ts';
import { planClock } from '../../../src/prepare/clock.ts';
import { planContainerd } from '../../../src/prepare/containerd.ts';
import { planFirewall } from '../../../src/prepare/firewall.ts';
import { planRestore } from '../../../src/prepare/restore.ts';
import type { HostState } from '../../../src/prepare/state.ts';
import { bareState, specOf } from './states.ts';

const dry = specOf({ dryRun: true });

test('the configuration is for the containerd that would have come, or for the one that is there', () => {
  const config = (state: HostState): string =>
    planContainerd(state, dry)
      .actions.flatMap((action) => (action.kind === 'file' ? [action.artifact.body] : []))
      .join('');
  expect(config(bareState)).toContain('version = 3');
  expect(config({ ...bareState, osRelease: { ID: 'centos', VERSION_ID: '7' } })).toContain('version = 2');
  expect(config({ ...bareState, containerdVersion: '1.7.35' })).toContain('version = 2');
});

test('chrony that comes with the packages is started', () => {
  expect(planClock(bareState, dry)).toMatchObject({ actions: [{ why: 'start chronyd.service, now and at boot' }] });
});

test("the firewall's commands are shown as an administrator would type them", () => {
  const firewall = { zone: 'public', ...emptyRules };
  const [first] = planFirewall({ ...bareState, firewall }, specOf({ role: ['etcd'] })).actions;
  expect(first).toMatchObject({
    io: {
      shown:
        'firewall-cmd --permanent --zone=public --add-port=2379-2380/tcp\nfirewall-cmd --zone=public --add-port=2379-2380/tcp',
    },
  });
});

test('so are those of the way back', () => {
  const entries: readonly LedgerEntry[] = [
    { kind: 'file', path: '/etc/fstab', existed: true, after: 'b' },
    { kind: 'swap', devices: ['/dev/dm-1'] },
  ];
  const sums = new Map([
    ['/etc/fstab', 'b'],
    ['/ledger/0', 'a'],
  ]);
  const view = { entries, copyPath: (n: number) => `/ledger/${n}`, sums, texts: new Map(), sysctls: new Map() };
  expect(planRestore(view, false).steps).toMatchObject([
    { shown: 'swapon -- /dev/dm-1' },
    { shown: 'cp -a -- /ledger/0 /etc/fstab' },
  ]);
});

const emptyRules = {
  running: new Set<string>(),
  permanent: new Set<string>(),
  trusted: new Set<string>(),
  permanentTrusted: new Set<string>(),
};
