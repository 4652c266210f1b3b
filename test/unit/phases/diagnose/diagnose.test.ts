// What is told of a component, a kubelet or a node that does not come up, from what its host says.
import { expect, test } from 'vitest';
import type { Problem } from '../../../../src/errors.ts';
import type { StaticPod } from '../../../../src/kube/paths.ts';
import { explained, type Waited } from '../../../../src/phases/diagnose/diagnose.ts';
import { watchPods } from '../../../../src/phases/diagnose/watch.ts';
import { TimedOut } from '../../../../src/util/until.ts';
import { failureOf } from '../../../fakes/failure.ts';
import { runOn, type FakeNode } from './node.ts';

async function told(node: FakeNode, what: Waited['kind'] | StaticPod): Promise<Problem> {
  const { ctx } = runOn(node);
  const watch = watchPods(ctx, { phase: 'wait', components: ['etcd', 'kube-apiserver'], intervalMs: 60_000 });
  // It knows when the run began.
  await new Promise((resolve) => setTimeout(resolve, 0));
  const waited: Waited =
    what === 'kubelet'
      ? { kind: 'kubelet' }
      : what === 'node'
        ? { kind: 'node', name: 'master1' }
        : { kind: 'pod', name: what === 'pod' ? 'etcd' : what, watch };
  const gaveUp = new TimedOut(`${what} to start`, 'connect ECONNREFUSED', 15);
  const { problems } = await failureOf(explained(ctx, waited, () => Promise.reject(gaveUp))).finally(watch.stop);
  const [problem] = problems;
  if (problem === undefined) throw new Error('a failure without a problem');
  return problem;
}

test('an image that is still being pulled is named before its pull has failed', async () => {
  const images = 'etcd image registry.k8s.io/etcd:0.0.0-none is not on the host';
  const { detail, evidence } = await told({ images }, 'etcd');
  expect(detail).toContain('an image is not there, and its pull has not ended (waited 15 s');
  expect(evidence).toEqual(['images: image registry.k8s.io/etcd:0.0.0-none is not on the host']);
});

test('a pull that has failed is told with its reason', async () => {
  const journal = [
    'E1121 00:00:01.1 7 pod_workers.go:1] "Error syncing pod, skipping" err="failed to \\"StartContainer\\" for \\"etcd\\" with ErrImagePull: dial tcp: lookup registry.k8s.io: no such host" pod="kube-system/etcd-master1"',
  ];
  const { detail, evidence } = await told({ journal, images: 'etcd image x is not on the host' }, 'etcd');
  expect(detail).toContain('an image could not be pulled');
  expect(evidence?.[0]).toContain('no such host');
});

test("another Pod's trouble is not what keeps this one from coming up", async () => {
  const journal = [
    'E1121 00:00:01.1 7 pod_workers.go:1] "Error syncing pod, skipping" err="ErrImagePull: no such host" pod="kube-system/coredns-1"',
  ];
  expect((await told({ journal }, 'etcd')).detail).toBe(
    'waited 15 s for etcd to start; last answer: connect ECONNREFUSED',
  );
});

test('without a known cause the last lines are shown, and the last answer', async () => {
  const { detail, evidence } = await told({ journal: ['I1 one', 'I1 two', 'I1 three', 'I1 four', 'I1 five'] }, 'etcd');
  expect(detail).toBe('waited 15 s for etcd to start; last answer: connect ECONNREFUSED');
  expect(evidence).toEqual(['two', 'three', 'four', 'five'].map((word) => `kubelet: I1 ${word}`));
});

test('a component whose error is in no table is told in its own words, before the kubelet has a say', async () => {
  const log =
    'E1201 00:00:01.1 1 run.go:72] "command failed" err="enable-admission-plugins plugin \\"NoSuch\\" is unknown"';
  const journal = ['E1130 22:14:16.3 7 log.go:32] "Status from runtime service failed" err="rpc error"'];
  const node: FakeNode = { containers: [{ name: 'kube-apiserver', attempt: 0, log }], journal };
  const { detail, evidence } = await told(node, 'kube-apiserver');
  expect(detail).toContain(
    'kube-apiserver exited 1 time with exit code 1: enable-admission-plugins plugin "NoSuch" is unknown',
  );
  expect(evidence).toEqual([`kube-apiserver: ${log}`]);
});

const noFile =
  'E1201 00:06:21.290709   20024 run.go:72] "command failed" err="loading audit policy file: failed to read file path \\"/etc/kubernetes/audit/policy.yaml\\": open /etc/kubernetes/audit/policy.yaml: no such file or directory"';
const manifest = (mount: string): string => `
spec:
  containers:
  - command: [kube-apiserver, --audit-policy-file=/etc/kubernetes/audit/policy.yaml]
    volumeMounts: [{name: audit, mountPath: ${mount}}]
  volumes: [{name: audit, hostPath: {path: /srv/audit}}]
`;

test.each([
  [
    'is not on the host',
    '/etc/kubernetes/audit',
    [],
    '/srv/audit/policy.yaml does not exist on master1 (--audit-policy-file of kube-apiserver); apiServer.extraVolumes mounts it as /etc/kubernetes/audit/policy.yaml',
  ],
  [
    'is not mounted',
    '/etc/other',
    ['/etc/kubernetes/audit/policy.yaml'],
    'no volume of kube-apiserver mounts /etc/kubernetes/audit/policy.yaml (--audit-policy-file of kube-apiserver), which exists on master1',
  ],
])('a file that %s is named with the flag and the host', async (_, mount, existing, wanted) => {
  const { detail } = await told(
    {
      containers: [{ name: 'kube-apiserver', attempt: 0, log: noFile }],
      files: { '/etc/kubernetes/manifests/kube-apiserver.yaml': manifest(mount) },
      existing,
    },
    'kube-apiserver',
  );
  expect(detail).toContain(wanted);
});

test("a kubelet's refusal of its flags is told whole, with the file that sets the flag", async () => {
  const journal = [
    'E1201 00:06:01.524256   19050 run.go:72] "command failed" err=<',
    "\tfailed to validate kubelet flags: unknown 'kubernetes.io' or 'k8s.io' labels specified with --node-labels: [kubernetes.io/role]",
    ' >',
  ];
  const flags =
    '== flags /var/lib/kubelet/kubeadm-flags.env\n--container-runtime=remote\n== flags /etc/default/kubelet\n--node-labels=kubernetes.io/role=x';
  const { code, summary, detail, fix } = await told({ journal, flags }, 'kubelet');
  expect([code, summary]).toEqual(['KB_KUBELET_NOT_HEALTHY', 'the kubelet did not come up']);
  expect(detail).toContain("the kubelet refuses its flags: unknown 'kubernetes.io' or 'k8s.io' labels");
  expect(fix).toContain('correct --node-labels in /etc/default/kubelet on master1');
});

test('a node that registers under another name: the file that renames it is named', async () => {
  const flags =
    '== flags /var/lib/kubelet/kubeadm-flags.env\n--hostname-override=master1\n== flags /etc/sysconfig/kubelet\n--hostname-override=other';
  const { summary, detail, fix } = await told({ flags, journal: ['E1 a complaint of the kubelet'] }, 'node');
  expect(summary).toBe('node master1 was not registered');
  expect(detail).toContain('/etc/sysconfig/kubelet sets --hostname-override=other');
  expect(fix).toContain('/etc/sysconfig/kubelet');
});

test("a node's evidence is the kubelet's", async () => {
  const { evidence } = await told({ journal: ['I1 fine', 'E1201 one', 'I1 fine', 'E1201 two'] }, 'node');
  expect(evidence).toEqual(['kubelet: E1201 one', 'kubelet: E1201 two']);
});
