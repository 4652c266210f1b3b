// What is told of a component that does not come up, from what its host says.
import { expect, test } from 'vitest';
import { explainFailure } from '../../../src/phases/diagnose.ts';
import { GaveUp } from '../../../src/util/until.ts';
import { FakeHost } from '../../fakes/host.ts';
import { runContext } from '../../fakes/run.ts';

async function told(found: string): Promise<{ readonly detail: string; readonly evidence: readonly string[] }> {
  const ctx = runContext(new FakeHost({ replies: [['crictl', found]] }), 'kbinit init');
  const gaveUp = new GaveUp('etcd to start', 'connect ECONNREFUSED', 15);
  const [problem] = (await explainFailure(ctx, 'etcd', gaveUp)).problems;
  return { detail: problem?.detail ?? '', evidence: problem?.evidence ?? [] };
}

test('an image that is still being pulled is named before its pull has failed', async () => {
  const { detail, evidence } = await told(`== kubelet journal
I1121 kubelet.go:1 "SyncLoop ADD" pods=["kube-system/etcd-master3"]
== images
image registry.k8s.io/etcd:0.0.0-none is not on the host
== containers
`);
  expect(detail).toContain('an image is not there, and its pull has not ended (waited 15 s');
  expect(evidence).toEqual(['images: image registry.k8s.io/etcd:0.0.0-none is not on the host']);
});

test('a pull that has failed is told with its reason', async () => {
  const { detail, evidence } = await told(`== kubelet journal
E1121 pod_workers.go:1 "Error syncing pod" err="ErrImagePull: dial tcp: lookup registry.k8s.io: no such host"
== images
image registry.k8s.io/etcd:0.0.0-none is not on the host
`);
  expect(detail).toContain('an image could not be pulled');
  expect(evidence[0]).toContain('no such host');
});

test('without a known cause the last lines are shown, and the last answer', async () => {
  const { detail, evidence } = await told('== kubelet journal\none\ntwo\nthree\nfour\n');
  expect(detail).toBe('waited 15 s for etcd to start; last answer: connect ECONNREFUSED');
  expect(evidence).toEqual(['kubelet journal: two', 'kubelet journal: three', 'kubelet journal: four']);
});
