// HostFiles: what the configuration names on the host, against what is there.
import { expect, test } from 'vitest';
import type { Arg, ClusterSpec, HostPathMount } from '../../../../src/config/spec.ts';
import { kubeletFiles, podFiles } from '../../../../src/preflight/checks/host-files.ts';
import type { PathKind } from '../../../../src/preflight/path-kinds.ts';
import { plainFacts } from '../../../fakes/host.ts';
import { cluster, externalEtcd, found, initSpec } from '../fixtures.ts';

type Kinds = Readonly<Record<string, PathKind>>;

/** What a host where everything else is missing has to hear of these flags and volumes of kube-apiserver. */
function apiserver(extraArgs: readonly Arg[], extraVolumes: readonly HostPathMount[], there: Kinds = {}): string[] {
  return texts({ apiServer: { ...cluster.apiServer, extraArgs, extraVolumes } }, there);
}

function texts(changes: Partial<ClusterSpec>, there: Kinds, patches: Parameters<typeof podFiles>[2] = []): string[] {
  const check = podFiles(initSpec(changes), plainFacts, patches);
  const kinds = new Map((check.asks?.kinds ?? []).map((path) => [path, there[path] ?? 'missing']));
  return check.run(found({ kinds })).map(({ text, fix }) => `${text}: ${fix}`);
}

const folder = { name: 'enc', hostPath: '/etc/enc', mountPath: '/etc/enc' };
const encryption = [{ name: 'encryption-provider-config', value: '/etc/enc/enc.yaml' }];

test('what kbinit writes itself, and folders that are created, are never missed', () => {
  expect(texts({}, {})).toEqual([]);
  expect(texts({ etcd: externalEtcd }, {})).toEqual([]);
  expect(apiserver([{ name: 'client-ca-file', value: '/etc/kubernetes/pki/ca.crt' }], [])).toEqual([]);
});

test('a file that a flag names, below a folder that is mounted, is missed with its flag', () => {
  expect(apiserver(encryption, [folder])).toEqual([
    '/etc/enc/enc.yaml does not exist (--encryption-provider-config of kube-apiserver): put the file there, or correct apiServer.extraArgs',
  ]);
  expect(apiserver(encryption, [folder], { '/etc/enc/enc.yaml': 'file' })).toEqual([]);
});

test('where the container sees it elsewhere, the path of the host is asked for', () => {
  const moved = { ...folder, hostPath: '/srv/secret' };
  expect(apiserver(encryption, [moved])[0]).toContain('/srv/secret/enc.yaml does not exist');
  expect(apiserver(encryption, [moved], { '/srv/secret/enc.yaml': 'file' })).toEqual([]);
});

test('a folder in the place of a file, which a runtime makes of a path that it does not find, is told', () => {
  expect(apiserver(encryption, [folder], { '/etc/enc/enc.yaml': 'directory' })[0]).toContain(
    'is a directory, not a file',
  );
});

test('a file that no volume mounts is told, whether it is there or not', () => {
  expect(apiserver(encryption, [], { '/etc/enc/enc.yaml': 'file' })).toEqual([
    '/etc/enc/enc.yaml is not mounted into the container of kube-apiserver (--encryption-provider-config of kube-apiserver): mount it with apiServer.extraVolumes',
  ]);
  expect(apiserver(encryption, [])[0]).toContain('and it does not exist');
});

test.each([
  ['File', 'file'],
  ['Directory', 'directory'],
  ['Socket', 'socket'],
  ['CharDevice', 'character device'],
  ['BlockDevice', 'block device'],
] as const)('a volume of pathType %s wants a %s', (pathType, kind) => {
  const volume = { ...folder, hostPath: '/dev/thing', pathType };
  expect(apiserver([], [volume])[0]).toContain(
    `/dev/thing does not exist (a volume of kube-apiserver, pathType ${pathType})`,
  );
  expect(apiserver([], [volume], { '/dev/thing': 'pipe' })[0]).toContain(`is a pipe, not a ${kind}`);
  expect(apiserver([], [volume], { '/dev/thing': kind })).toEqual([]);
});

test.each([
  ['FileOrCreate', 'directory'],
  ['DirectoryOrCreate', 'file'],
] as const)('a volume of pathType %s may be missing, but is no %s', (pathType, wrong) => {
  const volume = { ...folder, hostPath: '/srv/thing', pathType };
  expect(apiserver([], [volume])).toEqual([]);
  expect(apiserver([], [volume], { '/srv/thing': wrong })).toHaveLength(1);
});

test('flags of every component, of several files, and of none', () => {
  const mount = { name: 'x', hostPath: '/x', mountPath: '/x' };
  const component = (name: string, value: string): ClusterSpec['scheduler'] => ({
    extraArgs: [{ name, value }],
    extraVolumes: [mount],
    extraEnvs: [],
  });
  expect(texts({ scheduler: component('config', '/x/s.yaml') }, {})[0]).toContain('--config of kube-scheduler');
  expect(texts({ controllerManager: component('cluster-signing-key-file', '/x/k') }, {})[0]).toContain('/x/k');
  const pairs = apiserver([{ name: 'tls-sni-cert-key', value: '/x/a.crt,/x/a.key:a.example' }], [mount]);
  expect(pairs.map((text) => text.split(' ')[0])).toEqual(['/x/a.crt', '/x/a.key']);
  expect(apiserver([{ name: 'audit-log-path', value: '/x/audit.log' }], [mount])).toEqual([]);
});

test('a volume that a patch adds counts as one of the configuration', () => {
  const patch = {
    path: '/patches/kube-apiserver+merge.yaml',
    text: 'spec:\n  volumes: [{name: enc, emptyDir: {}}]\n  containers: [{name: kube-apiserver, volumeMounts: [{name: enc, mountPath: /etc/enc}]}]\n',
  };
  const apiServer = { ...cluster.apiServer, extraArgs: encryption };
  expect(texts({ apiServer }, {}, [{ ...patch, path: patch.path.replace('merge', 'strategic') }])).toEqual([]);
});

test("the kubelet's flags and its configuration", () => {
  const kubelet = (args: readonly Arg[], document: object, there: Kinds = {}): string[] => {
    const check = kubeletFiles({ kubeletExtraArgs: args }, '/etc/kubernetes/pki/ca.crt', { ...document });
    const kinds = new Map((check.asks?.kinds ?? []).map((path) => [path, there[path] ?? 'missing']));
    return check.run(found({ kinds })).map(({ text }) => text);
  };
  const ca = { authentication: { x509: { clientCAFile: '/etc/kubernetes/pki/ca.crt' } } };
  expect(kubelet([{ name: 'config', value: '/var/lib/kubelet/config.yaml' }], ca)).toEqual([]);
  expect(
    kubelet([{ name: 'image-credential-provider-config', value: '/etc/creds.yaml' }], { tlsCertFile: '/etc/k.crt' }),
  ).toEqual([
    '/etc/creds.yaml does not exist (--image-credential-provider-config of the kubelet)',
    '/etc/k.crt does not exist (tlsCertFile of the KubeletConfiguration)',
  ]);
  const providers = [{ name: 'image-credential-provider-bin-dir', value: '/opt/bin' }];
  expect(kubelet(providers, {}, { '/opt/bin': 'directory' })).toEqual([]);
});
