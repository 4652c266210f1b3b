// The table of causes, each row by a line that a real component of 1.36 (etcd 3.6) wrote.
import { expect, test } from 'vitest';
import { findCause, type Speaker } from '../../../../src/phases/diagnose/causes.ts';

const failed = (error: string): string => `E1201 00:06:21.290709   20024 run.go:72] "command failed" err="${error}"`;

const rows: readonly (readonly [Speaker, string, string])[] = [
  ['kube-apiserver', 'Error: unknown flag: --no-such-flag', 'kube-apiserver does not know the flag: --no-such-flag'],
  [
    'kubelet',
    failed('failed to parse kubelet flag: unknown flag: --no-such-flag'),
    'kubelet does not know the flag: --no-such-flag',
  ],
  [
    'etcd',
    'invalid value "NoSuch=true" for flag -feature-gates: unrecognized feature gate: NoSuch',
    'etcd does not know the feature gate NoSuch in this version',
  ],
  [
    'etcd',
    'invalid value "x" for flag -heartbeat-interval: parse error',
    'etcd refuses the value x of its flag -heartbeat-interval',
  ],
  ['etcd', 'flag provided but not defined: -no-such-flag', 'etcd does not know the flag: -no-such-flag'],
  [
    'kube-apiserver',
    'Error: invalid argument "x" for "-v, --v" flag: strconv.ParseUint: parsing "x": invalid syntax',
    'kube-apiserver refuses the value x of its flag --v',
  ],
  [
    'kube-scheduler',
    failed('unrecognized feature gate: NoSuchGate'),
    'kube-scheduler does not know the feature gate NoSuchGate in this version',
  ],
  [
    'kubelet',
    failed('failed to set feature gates from initial flags-based config: unrecognized feature gate: NoSuchGate'),
    'kubelet does not know the feature gate NoSuchGate in this version',
  ],
  [
    'kube-apiserver',
    failed(
      String.raw`error while parsing file: error while loading file: error reading encryption provider configuration file \"/etc/kubernetes/enc/enc.yaml\": open /etc/kubernetes/enc/enc.yaml: no such file or directory`,
    ),
    '/etc/kubernetes/enc/enc.yaml does not exist on master1',
  ],
  [
    'kube-apiserver',
    failed(
      String.raw`failed to read egress selector config: unable to read egress selector configuration from \"/nonexist/eg.yaml\" [open /nonexist/eg.yaml: no such file or directory]`,
    ),
    '/nonexist/eg.yaml does not exist on master1',
  ],
  [
    'kube-scheduler',
    failed('open /nonexist/sched.yaml: no such file or directory'),
    '/nonexist/sched.yaml does not exist on master1',
  ],
  [
    'kube-controller-manager',
    failed('stat /nonexist/c.conf: no such file or directory'),
    '/nonexist/c.conf does not exist on master1',
  ],
  [
    'kube-apiserver',
    failed(
      String.raw`error while loading file: error reading encryption provider configuration file \"/etc/enc\": read /etc/enc: is a directory`,
    ),
    '/etc/enc is a directory, where kube-apiserver reads a file',
  ],
  [
    'kube-apiserver',
    failed('tls: failed to find any PEM data in certificate input'),
    'kube-apiserver cannot read a certificate or key',
  ],
  [
    'kube-apiserver',
    failed('tls: private key does not match public key'),
    'a certificate and a key of kube-apiserver do not belong together',
  ],
  [
    'kube-apiserver',
    failed(
      String.raw`error loading CA bundle for \"client-ca-bundle::bad.crt\": data does not contain any valid RSA or ECDSA certificates`,
    ),
    'kube-apiserver cannot read a certificate or key',
  ],
  [
    'kube-apiserver',
    failed(
      'failed to create listener: failed to listen on 0.0.0.0:16443: listen tcp 0.0.0.0:16443: bind: address already in use',
    ),
    'a port of kube-apiserver is taken by another process (0.0.0.0:16443)',
  ],
  [
    'kube-apiserver',
    failed('error creating storage factory: context deadline exceeded'),
    'etcd does not answer kube-apiserver',
  ],
  [
    'kubelet',
    failed(
      'failed to validate kubelet configuration, error: kubelet is configured to not run on a host using cgroup v1. cgroup v1 support is unsupported and will be removed in a future release, path: &TypeMeta{Kind:,APIVersion:,}',
    ),
    'this host has cgroup v1, which the kubelet refuses from 1.35 on',
  ],
  [
    'kubelet',
    failed(
      'failed to run Kubelet: running with swap on is not supported, please disable swap or set --fail-swap-on flag to false',
    ),
    'swap is on',
  ],
  [
    'kubelet',
    String.raw`E1201 00:00:01.1 7 pod_workers.go:1] "Error syncing pod" err="failed to \"CreatePodSandbox\" with: runc create failed: expected cgroupsPath to be of format \"slice:prefix:name\" for systemd cgroups, got \"/kubepods/burstable/x\" instead"`,
    'the kubelet and the container runtime use different cgroup drivers',
  ],
  [
    'kubelet',
    'E1201 00:00:01.1 7 pod_workers.go:1] "Error syncing pod" err="ErrImagePull: failed to pull and unpack image \\"r.example/a:1\\": failed to resolve reference: unexpected status from HEAD request: 401 Unauthorized"',
    'the registry refuses to serve an image without a valid login',
  ],
  [
    'kubelet',
    'E1201 00:00:01.1 7 pod_workers.go:1] "Error syncing pod" err="ErrImagePull: failed to pull and unpack image \\"r.example/a:1\\": r.example/a:1: not found"',
    'an image is not in the registry',
  ],
  [
    'kubelet',
    String.raw`E1201 00:00:01.1 7 nestedpendingoperations.go:1] Operation failed. Error: MountVolume.SetUp failed for volume \"enc\" : hostPath type check failed: /etc/enc.yaml is not a file`,
    'a Pod mounts /etc/enc.yaml, which is not a file on master1',
  ],
  [
    'kubelet',
    'E1201 00:00:01.1 7 kubelet_node_status.go:1] "Unable to register node with API server" err="nodes \\"master1\\" is forbidden: node \\"other\\" is not allowed to modify node \\"master1\\""',
    "the kubelet's credentials are for node other, but it registers as master1",
  ],
  [
    'etcd',
    '{"level":"panic","msg":"failed to create WAL","error":"no space left on device"}',
    'the file system that etcd writes to is full on master1',
  ],
  [
    'etcd',
    '{"level":"fatal","msg":"discovery failed","error":"member 8211f1d0f64f3269 has already been bootstrapped"}',
    'etcd was a member of this cluster before, and its data folder was emptied since',
  ],
  [
    'etcd',
    '{"level":"warn","msg":"request cluster ID mismatch","error":"cluster ID mismatch"}',
    'the data folder of etcd, or its list of members, belongs to another cluster',
  ],
  [
    'etcd',
    '{"level":"fatal","msg":"discovery failed","error":"listen tcp 10.9.9.9:2380: bind: cannot assign requested address"}',
    'etcd is to listen on 10.9.9.9:2380, which is not an address of master1',
  ],
  [
    'etcd',
    '{"level":"fatal","msg":"cannot access data directory","error":"open /var/lib/etcd/.touch: permission denied"}',
    'etcd may not read or write /var/lib/etcd/.touch',
  ],
  [
    'etcd',
    '{"level":"fatal","msg":"cannot access data directory","error":"open /var/lib/etcd/.touch: read-only file system"}',
    'etcd writes to a file system that is read-only on master1',
  ],
];

test.each(rows)('%s: %s', (speaker, line, summary) => {
  expect(findCause([line], { host: 'master1', speaker })?.summary).toBe(summary);
});

test.each([
  ['a deprecation of cgroup v1 is no cause', 'W1201 00:00:01.1 7 a.go:1] "cgroup v1 support is deprecated"'],
  ["a field of the kubelet's configuration is no cause", 'failCgroupV1: false'],
  [
    'a kubelet that waits for its configuration file is no cause',
    failed(
      'failed to load kubelet config file, path: /var/lib/kubelet/config.yaml, error: open /var/lib/kubelet/config.yaml: no such file or directory',
    ),
  ],
  [
    'a runtime that cAdvisor does not find is no cause',
    'E1201 00:00:01.1 7 a.go:1] "Registration of the crio container factory failed" err="unix /run/crio/crio.sock: connect: no such file or directory"',
  ],
])('%s', (_, line) => {
  expect(findCause([line], { host: 'master1', speaker: 'kubelet' }, 'meant')).toBeUndefined();
});

test("a component's line is never taken for the kubelet's, nor the other way round", () => {
  const swap = failed('running with swap on is not supported');
  expect(findCause([swap], { host: 'master1', speaker: 'etcd' })).toBeUndefined();
});
