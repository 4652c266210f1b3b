import { describe, expect, test } from 'vitest';
import type { KeptFlags } from '../../../src/host/ledger.ts';
import type { PrepareFiles, PrepareFlags } from '../../../src/prepare/flags.ts';
import { forgottenFlags, keptWords, withKept, type WithKept } from '../../../src/prepare/kept.ts';
import { specOf } from './states.ts';

const none: ReadonlySet<string> = new Set();
const first: PrepareFlags = {
  kubernetesVersion: '1.35',
  role: ['control-plane'],
  podNetworkCidr: '10.32.0.0/16',
  repository: ['https://mirror.example/k8s/', 'https://mirror.example/docker/'],
  registryMirror: ['registry.k8s.io=https://m.example/k8s', 'docker.io=https://m.example'],
  cgroupDriver: 'cgroupfs',
  imageRepository: 'r.example/k8s',
  apiserverBindPort: 7443,
  backend: 'wireguard',
  firewallZone: 'internal',
};

/** What the ledger keeps of a run with these flags. */
function keptOf(flags: PrepareFlags, files: PrepareFiles = {}, earlier: KeptFlags = {}): KeptFlags {
  return withKept({ flags, files }, earlier, none).next;
}

function again(flags: PrepareFlags, kept: KeptFlags, forgotten = none, files: PrepareFiles = {}): WithKept {
  return withKept({ flags, files }, kept, forgotten);
}

describe('host prepare without the flags of the first time', () => {
  test('asks for the same as with them, and keeps them', () => {
    const { asked, used, next } = again({}, keptOf(first));
    expect(specOf(asked.flags, asked.files)).toEqual(specOf(first));
    expect(next).toEqual(keptOf(first));
    expect(keptWords(used)).toBe(
      [
        '--kubernetes-version 1.35 --role control-plane --pod-network-cidr 10.32.0.0/16 --image-repository r.example/k8s',
        '--apiserver-bind-port 7443 --repository https://mirror.example/k8s/ --repository https://mirror.example/docker/',
        '--registry-mirror registry.k8s.io=https://m.example/k8s --registry-mirror docker.io=https://m.example',
        '--cgroup-driver cgroupfs --backend wireguard --firewall-zone internal',
      ].join(' '),
    );
  });

  test('keeps nothing of a run with none', () => {
    expect(keptOf({})).toEqual({});
    expect(again({}, {}).used).toEqual({});
  });

  test('keeps keys of packages themselves, and names them without their text', () => {
    const kept = keptOf(
      { repository: ['file:///srv/repo'], repositoryKey: ['/home/me/key'] },
      { repositoryKeys: ['KEY'] },
    );
    const { asked, used } = again({}, kept);
    expect(asked.files.repositoryKeys).toEqual(['KEY']);
    expect(keptWords(used)).toBe('--repository file:///srv/repo --repository-key (1 kept on the host)');
  });

  test('leaves uploaded programs as they are: it neither wants packages nor reads a folder that a host names', () => {
    const { asked, used } = again({}, keptOf({ binaries: '/srv/programs' }, { binaries: [] }));
    expect(specOf(asked.flags, asked.files).source).toEqual({ kind: 'binaries', binaries: [] });
    expect(asked.flags.binaries).toBeUndefined();
    expect(keptWords(used)).toMatch(/^--binaries \/srv\/programs \(what came from there stays/);
  });
});

describe('a flag that is given', () => {
  test('wins over the one of last time, and is kept from then on', () => {
    const { asked, used, next } = again({ cgroupDriver: 'systemd', role: ['worker'] }, keptOf(first));
    expect(asked.flags).toMatchObject({ cgroupDriver: 'systemd', role: ['worker'], kubernetesVersion: '1.35' });
    expect(Object.keys(used)).not.toContain('cgroup-driver');
    expect(next).toMatchObject({ 'cgroup-driver': ['systemd'], role: ['worker'] });
  });

  test.each([
    [{ repository: ['host'] }, {}, { kind: 'packages', repositories: { kind: 'host', urls: ['host'], keys: [] } }],
    [{ binaries: '/x' }, { binaries: [] }, { kind: 'binaries', binaries: [] }],
  ])('%j takes the place of every earlier source of software', (flags, files, source) => {
    const kept = keptOf({ repository: ['http://a.example/'] }, { repositoryKeys: ['KEY'] });
    const { asked, next } = again(flags, kept, none, files);
    expect(specOf(asked.flags, asked.files).source).toMatchObject(source);
    expect(JSON.stringify(next)).not.toMatch(/a\.example|KEY/);
  });

  test('is a mirror of one registry: those of others stay', () => {
    const { asked } = again({ registryMirror: ['docker.io=https://new.example'] }, keptOf(first));
    expect(asked.flags.registryMirror).toEqual([
      'registry.k8s.io=https://m.example/k8s',
      'docker.io=https://new.example',
    ]);
  });
});

describe('--forget', () => {
  test('makes the default count again, and the ledger forgets it', () => {
    const { asked, next, formerMirrors } = again(
      {},
      keptOf(first),
      forgottenFlags(['cgroup-driver', '--registry-mirror']),
    );
    expect(specOf(asked.flags).cgroupDriver).toBe('systemd');
    expect(specOf(asked.flags).mirrors).toEqual([]);
    expect(formerMirrors).toEqual(['registry.k8s.io', 'docker.io']);
    expect(Object.keys(next)).not.toEqual(expect.arrayContaining(['cgroup-driver']));
    expect(next['repository']).toEqual(first.repository);
    expect(again({}, keptOf(first), forgottenFlags(['all'])).next).toEqual({});
  });

  test('of a name that is not kept is refused with those that are', () => {
    expect(() => forgottenFlags(['hostname'])).toThrow(/--forget.*hostname.*/s);
  });
});

test.each([{ 'cgroup-driver': ['other'] }, { backend: ['x'] }, { 'apiserver-bind-port': ['6443; reboot'] }])(
  'a host that keeps %j is refused',
  (kept) => {
    expect(() => again({}, kept)).toThrow('KB_LEDGER');
  },
);

test('a kept value is judged as a typed one', () => {
  const { asked } = again({}, { repository: ['http://u:p@x/'], role: ['king'] });
  expect(() => specOf(asked.flags)).toThrow('KB_CONFIG');
});
