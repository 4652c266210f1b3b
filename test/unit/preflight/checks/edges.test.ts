// The judgements of single checks at their borders.
import { generateKeyPairSync } from 'node:crypto';
import forge from 'node-forge';
import { describe, expect, test } from 'vitest';
import type { Check } from '../../../../src/preflight/check.ts';
import { cgroupDriver } from '../../../../src/preflight/checks/cgroup-driver.ts';
import { diskSpace } from '../../../../src/preflight/checks/disk-space.ts';
import { externalEtcdVersion } from '../../../../src/preflight/checks/external-etcd.ts';
import { dirAvailable } from '../../../../src/preflight/checks/files.ts';
import { hostname } from '../../../../src/preflight/checks/hostname.ts';
import { kubeletVersion } from '../../../../src/preflight/checks/kubelet-version.ts';
import { leftovers } from '../../../../src/preflight/checks/leftovers.ts';
import { portAvailable } from '../../../../src/preflight/checks/port.ts';
import { resolver } from '../../../../src/preflight/checks/resolver.ts';
import { swap } from '../../../../src/preflight/checks/swap.ts';
import { firewalld, serviceKubelet } from '../../../../src/preflight/checks/units.ts';
import type { Filesystem, PathState, Survey } from '../../../../src/preflight/survey-parse.ts';
import type { Runtime } from '../../../../src/preflight/runtime-parse.ts';
import { externalEtcd, found } from '../fixtures.ts';

const told = (check: Check, host = found()): readonly string[] => check.run(host).map((f) => `${f.level}: ${f.text}`);

describe('ports', () => {
  test.each([
    ['kube-controller-manager', true],
    // The kernel's name has 15 characters.
    ['kube-controller', true],
    ['kube-scheduler', false],
    ['nc', false],
  ])('%s on 10257 is the own component: %o', (command, isOwnComponent) => {
    const survey = { listeners: new Map([[10257, { port: 10257, pid: 5, command }]]) };
    const [finding] = portAvailable(10257, 'kube-controller-manager').run(found(survey));
    expect(finding?.about).toMatchObject({ kind: 'port', port: 10257, isOwnComponent });
  });

  test('a listener whose process is hidden is still an error', () => {
    const survey = { listeners: new Map([[6443, { port: 6443 }]]) };
    expect(told(portAvailable(6443, 'kube-apiserver'), found(survey))).toEqual([
      'error: port 6443 is in use by a process that could not be found; kube-apiserver needs it',
    ]);
  });
});

describe('disk space', () => {
  const check = diskSpace({
    configuration: ['/etc/kubernetes'],
    data: ['/var/lib/kubelet', '/var/lib/etcd'],
    programs: ['/usr'],
    newPrograms: ['/usr/local/bin'],
  });
  const disk = (path: string, changes: Partial<Filesystem> = {}): Filesystem => ({
    path,
    device: '1',
    freeMiB: 50_000,
    freeInodes: 100_000,
    isWritable: true,
    ...changes,
  });
  const on = (...disks: readonly Filesystem[]): readonly string[] => told(check, found({ disks }));

  test.each([
    [2048, []],
    [2047, ['warning']],
    [200, ['warning']],
    [199, ['error']],
  ])('%i MiB for data gives %o', (freeMiB, levels) => {
    expect(on(disk('/var/lib/kubelet', { freeMiB })).map((line) => line.split(':')[0])).toEqual(levels);
  });

  test('a filesystem is told of once, with all its folders', () => {
    const text = on(disk('/var/lib/kubelet', { freeMiB: 100 }), disk('/var/lib/etcd', { freeMiB: 100 }));
    expect(text).toEqual(['error: the filesystem of /var/lib/kubelet, /var/lib/etcd has 100 MiB free']);
  });

  test('a small filesystem for configuration alone is fine until it is nearly full', () => {
    expect(on(disk('/etc/kubernetes', { freeMiB: 10 }))).toEqual([]);
    expect(on(disk('/etc/kubernetes', { freeMiB: 9 }))).toEqual([expect.stringContaining('error')]);
  });

  test.each([
    ['/var/lib/kubelet', 50_000, []],
    ['/var/lib/kubelet', 49_999, ['warning']],
    ['/var/lib/kubelet', 4999, ['error']],
    ['/etc/kubernetes', 100, []],
    ['/etc/kubernetes', 99, ['error']],
  ])('%s with %i free inodes gives %o', (path, freeInodes, levels) => {
    expect(on(disk(path, { freeInodes })).map((line) => line.split(':')[0])).toEqual(levels);
  });

  test.each([
    ['/usr', 1024, []],
    ['/usr', 1023, ['warning']],
    ['/usr', 0, ['warning']],
    ['/usr/local/bin', 1024, []],
    ['/usr/local/bin', 1023, ['error']],
  ])('programs in %s with %i MiB free give %o (R19)', (path, freeMiB, levels) => {
    expect(on(disk(path, { freeMiB })).map((line) => line.split(':')[0])).toEqual(levels);
  });

  test.each([
    ['/usr', 999, ['warning']],
    ['/usr/local/bin', 1000, []],
    ['/usr/local/bin', 999, ['error']],
  ])('programs in %s with %i free inodes give %o (R19)', (path, freeInodes, levels) => {
    expect(on(disk(path, { freeInodes })).map((line) => line.split(':')[0])).toEqual(levels);
  });

  test('programs that are there may be on a read-only filesystem, new ones may not (R19)', () => {
    expect(on(disk('/usr', { isWritable: false }))).toEqual([]);
    expect(on(disk('/usr/local/bin', { isWritable: false }))).toEqual([expect.stringContaining('read-only')]);
  });

  test('one filesystem for all is asked for the most that one of them needs (R19)', () => {
    const all = ['/etc/kubernetes', '/usr', '/usr/local/bin', '/var/lib/etcd'];
    const fixes = (freeMiB: number): readonly string[] =>
      check
        .run(found({ disks: all.map((path) => disk(path, { freeMiB })) }))
        .map(({ level, fix }) => `${level}: ${fix}`);
    expect(fixes(2047)).toEqual(['warning: free at least 2048 MiB: images and etcd will need it']);
    expect(fixes(1023)).toEqual(['error: free at least 2048 MiB']);
  });

  test('no free inode and read-only are errors, uncounted inodes are not', () => {
    const { freeInodes: _, ...btrfs } = disk('/var/lib/etcd');
    expect(on(btrfs)).toEqual([]);
    expect(on(disk('/var/lib/etcd', { freeInodes: 0 }))).toEqual([expect.stringContaining('room for 0 more files')]);
    expect(on(disk('/var/lib/etcd', { isWritable: false }))).toEqual([expect.stringContaining('read-only')]);
  });
});

test.each<[PathState, number]>([
  ['missing', 0],
  ['empty-folder', 0],
  ['fresh-disk', 1],
  ['filled-folder', 1],
  ['file', 1],
])('a data folder that is %s gives %i errors', (state, errors) => {
  expect(told(dirAvailable('/d'), found({ paths: new Map([['/d', state]]) }))).toHaveLength(errors);
});

test('a data folder with lost+found alone is no earlier cluster: reset would not help', () => {
  const seen = found({ paths: new Map([['/d', 'fresh-disk' as const]]) });
  const [finding] = dirAvailable('/d').run(seen);
  expect(finding?.fix).toContain('`rmdir /d/lost+found`');
});

describe('host name', () => {
  const resolved = (name: string): Partial<Survey> => ({
    lookups: new Map([[name, { name, addresses: ['10.0.0.1'] }]]),
  });

  test.each([['-bad'], ['bad_'], ['a'.repeat(64)], ['wörker']])('%s is not well-formed', (name) => {
    expect(told(hostname(name), found(resolved(name)))).toEqual([expect.stringContaining('not a well-formed')]);
  });

  test.each([['a'], ['node-1.example.com'], ['a'.repeat(63)]])('%s is well-formed', (name) => {
    expect(told(hostname(name), found(resolved(name)))).toEqual([]);
  });
});

describe('kubelet version', () => {
  const controlPlane = { major: 1, minor: 36, patch: 3 };
  test.each([
    ['v1.33.0', ''],
    ['v1.36.9', ''],
    ['v1.32.9', 'the oldest supported one is v1.33.0'],
    ['v1.37.0-alpha.1', 'newer than'],
    ['', 'gave no version'],
  ])('%s: %o', (version, says) => {
    expect(told(kubeletVersion(controlPlane), found({}, { kubeletVersion: version })).join()).toContain(says);
    if (says === '') expect(told(kubeletVersion(controlPlane), found({}, { kubeletVersion: version }))).toEqual([]);
  });

  test.each([
    [28, 'v1.27.0', ''],
    [28, 'v1.26.15', 'the oldest supported one is v1.27.0'],
    [29, 'v1.26.0', ''],
    [33, 'v1.30.0', ''],
    [33, 'v1.29.15', 'the oldest supported one is v1.30.0'],
    [33, 'v1.34.0', "newer than the control plane's v1.33.0"],
  ])('a control plane of 1.%i and a kubelet of %s: %o', (minor, version, says) => {
    const check = kubeletVersion({ major: 1, minor, patch: 0 });
    const findings = told(check, found({}, { kubeletVersion: version }));
    expect(findings).toEqual(says === '' ? [] : [expect.stringContaining(says)]);
  });

  test.each(['v1.37.0', 'v1.33.13', 'v1.24.17'])(
    'a worker that does not know the control plane takes a kubelet of %s',
    (version) => {
      expect(told(kubeletVersion(), found({}, { kubeletVersion: version }))).toEqual([]);
    },
  );

  test('a kubelet that is too old could be that of an older cluster, where kbinit knows its version', () => {
    const fixes = ['v1.30.14', 'v1.20.15'].map(
      (version) => kubeletVersion(controlPlane).run(found({}, { kubeletVersion: version }))[0]?.fix,
    );
    expect(fixes).toEqual([
      'install a newer kubelet, or set kubernetesVersion to v1.30.14 for a new cluster',
      'install a newer kubelet',
    ]);
  });

  test('a worker refuses a kubelet that no control plane takes', () => {
    expect(told(kubeletVersion(), found({}, { kubeletVersion: 'v1.23.17' }))).toEqual([
      expect.stringContaining('the oldest supported one is v1.24.0'),
    ]);
  });
});

describe('external etcd', () => {
  test.each([
    [27, '3.2.18', ''],
    [28, '3.4.12', 'upgrade etcd to v3.4.13 or later'],
    [30, '3.4.13', ''],
    [31, '3.5.23', 'upgrade etcd to v3.5.24 or later'],
    [36, '3.5.24', ''],
  ])('Kubernetes 1.%i with etcd %s: %o', (minor, version, says) => {
    const check = externalEtcdVersion(externalEtcd, { major: 1, minor, patch: 0 });
    const findings = check.run(found({ externalEtcd: [{ endpoint: 'https://10.0.0.1:2379', version }] }));
    expect(findings.map(({ fix }) => fix)).toEqual(says === '' ? [] : [says]);
  });
});

describe('systemd units', () => {
  const newest = { major: 1, minor: 36, patch: 3 };

  test('without systemctl both checks warn', () => {
    const host = found({ units: undefined });
    expect([...told(firewalld([6443]), host), ...told(serviceKubelet(newest), host)]).toEqual([
      expect.stringMatching(/^warning: no supported init system/),
      expect.stringMatching(/^warning: no supported init system/),
    ]);
  });

  test('a kubelet without unit is warned of', () => {
    const units = new Map([['kubelet.service', { load: 'not-found', active: 'inactive', file: '' }]]);
    expect(told(serviceKubelet(newest), found({ units }))).toEqual(['warning: systemd knows no kubelet.service']);
  });
});

test('swap is explained by the cgroup version', () => {
  const swaps = ['/swapfile'];
  const v1: Survey['cgroups'] = { version: 1, controllers: new Set() };
  expect(told(swap, found({ swaps }))[0]).not.toContain('cgroup v1');
  expect(told(swap, found({ swaps, cgroups: v1 }))[0]).toContain('cgroup v1');
});

describe('cgroup driver', () => {
  const runtime = (changes: Partial<Runtime>): Partial<Survey> => ({
    runtime: { socket: 'listening', tool: 'ctr', state: 'ready', hasRuntimeConfig: false, ...changes },
  });
  const judged = (survey: Partial<Survey>, kubelet?: Readonly<Record<string, unknown>>): readonly string[] =>
    cgroupDriver('unix:///x', kubelet)
      .run(found(survey))
      .map(({ level, fix }) => `${level}: ${fix}`);

  test('another driver than the kubelet is to have is an error that names both ways out', () => {
    expect(judged(runtime({ cgroupDriver: 'cgroupfs' }), {})).toEqual([
      'error: set SystemdCgroup = true for runc in /etc/containerd/config.toml and restart containerd, or cgroupDriver: cgroupfs in the KubeletConfiguration',
    ]);
    expect(judged(runtime({ cgroupDriver: 'systemd' }), { cgroupDriver: 'cgroupfs' })[0]).toContain('= false');
  });

  test.each<[string, Partial<Runtime>, Readonly<Record<string, unknown>> | undefined]>([
    ['the same driver', { cgroupDriver: 'systemd' }, {}],
    ['a runtime that tells the kubelet', { cgroupDriver: 'cgroupfs', hasRuntimeConfig: true }, {}],
    ['a runtime of which it is not known', {}, {}],
    ['a KubeletConfiguration that is not known yet', { cgroupDriver: 'cgroupfs' }, undefined],
  ])('%s is fine', (_, changes, kubelet) => {
    expect(judged(runtime(changes), kubelet)).toEqual([]);
  });
});

describe('resolver', () => {
  const resolvConf = (text: string): Partial<Survey> => ({ texts: new Map([['/etc/resolv.conf', text]]) });
  const stub = resolvConf('nameserver 127.0.0.53\noptions edns0\n');

  test('a loopback name server would make CoreDNS ask itself', () => {
    expect(told(resolver(), found(stub))).toEqual([expect.stringContaining('127.0.0.53')]);
  });

  test('systemd-resolved, or a resolvConf of the user, settles it', () => {
    expect(told(resolver(), found(stub, { isResolvedActive: true }))).toEqual([]);
    expect(told(resolver('/run/real.conf'), found(stub))).toEqual([]);
  });
});

describe('leftovers', () => {
  const pair = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const other = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const certificate = (subjectPublicKey: string, signingKey: string, subject = 'x', issuer = 'x'): string => {
    const made = forge.pki.createCertificate();
    made.publicKey = forge.pki.publicKeyFromPem(subjectPublicKey);
    made.serialNumber = '01';
    made.setSubject([{ name: 'commonName', value: subject }]);
    made.setIssuer([{ name: 'commonName', value: issuer }]);
    if (subject === 'intermediate') made.setExtensions([{ name: 'basicConstraints', cA: true }]);
    made.sign(forge.pki.privateKeyFromPem(signingKey), forge.md.sha256.create());
    return forge.pki.certificateToPem(made);
  };
  const client = '/var/lib/kubelet/pki/kubelet-client-current.pem';
  const ca = '/etc/kubernetes/pki/ca.crt';
  const check = leftovers(ca);
  const network = { cniFiles: ['10-flannel.conflist'], links: ['cni0'], chains: ['KUBE-SERVICES'], nftTables: [] };
  const ownCa = certificate(pair.publicKey, pair.privateKey);
  const ownClient = certificate(other.publicKey, pair.privateKey);

  test('a node of this very cluster has nothing left over', () => {
    const certificates = new Map([
      [client, [ownClient]],
      [ca, [ownCa]],
    ]);
    expect(told(check, found({ certificates, leftovers: network }))).toEqual([]);
  });

  test('a kubelet certificate that comes through an intermediate in its file is of this cluster', () => {
    const intermediate = certificate(other.publicKey, pair.privateKey, 'intermediate');
    const leaf = certificate(other.publicKey, other.privateKey, 'system:node:a', 'intermediate');
    const certificates = new Map([
      [client, [leaf, intermediate]],
      [ca, [ownCa]],
    ]);
    expect(told(check, found({ certificates, leftovers: network }))).toEqual([]);
  });

  test.each([
    ['another CA', [certificate(other.publicKey, other.privateKey)]],
    ['no CA', []],
    ['an unreadable CA', ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----']],
    ['a CA of the same key and another name', [certificate(pair.publicKey, pair.privateKey, 'y', 'y')]],
  ])('a kubelet certificate with %s is from another cluster', (_, authorities) => {
    const certificates = new Map([
      [client, [ownClient]],
      [ca, authorities],
    ]);
    expect(told(check, found({ certificates }))).toEqual([
      `error: an earlier cluster left a kubelet certificate of another CA (${client})`,
    ]);
  });

  test('what container runtimes bring along is no leftover', () => {
    const cniFiles = ['87-podman-bridge.conflist', '99-loopback.conf', '.kubernetes-cni-keep', 'README'];
    expect(told(check, found({ leftovers: { cniFiles, links: [], chains: [], nftTables: [] } }))).toEqual([]);
  });

  test('the fix removes exactly what was found', () => {
    const network2 = {
      cniFiles: ["10 it's.conf"],
      links: ['cni0', 'flannel.1'],
      chains: [],
      nftTables: ['ip kube-proxy'],
    };
    expect(check.run(found({ leftovers: network2 }))[0]?.fix.split('; `kbinit')[0]).toBe(
      "remove them: `rm '/etc/cni/net.d/10 it'\\''s.conf'; ip link delete cni0; ip link delete flannel.1; nft delete table ip kube-proxy`",
    );
    const certificates = new Map([[client, [ownClient]]]);
    expect(check.run(found({ certificates }))[0]?.fix).toBe(
      'remove them: `kbinit reset`; `kbinit reset --host-changes` does it too, and takes back what `host prepare` did',
    );
  });

  test('rules of kube-proxy alone are a warning: it replaces them', () => {
    const rules = { cniFiles: [], links: [], chains: ['KUBE-SERVICES'], nftTables: ['ip kube-proxy'] };
    expect(told(check, found({ leftovers: rules }))).toEqual([
      'warning: an earlier cluster left iptables chains KUBE-SERVICES; nftables tables ip kube-proxy',
    ]);
  });

  test('a long list of chains is cut', () => {
    const chains = ['KUBE-A', 'KUBE-B', 'KUBE-C', 'KUBE-D', 'KUBE-E'];
    expect(told(check, found({ leftovers: { cniFiles: [], links: [], chains, nftTables: [] } }))[0]).toContain(
      'KUBE-A, KUBE-B, KUBE-C and 2 more',
    );
  });
});
