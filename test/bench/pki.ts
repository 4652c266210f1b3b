// Benches of what needs no cluster: the whole PKI beside kubeadm's, both with RSA-2048 in a throw-away root, the loading
// of a configuration, and the rendering of every manifest.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { completeInit } from '../../src/config/complete.ts';
import { loadInit } from '../../src/config/load.ts';
import { apiserverPod } from '../../src/manifests/apiserver.ts';
import { controllerManagerPod } from '../../src/manifests/controller-manager.ts';
import { etcdPod } from '../../src/manifests/etcd.ts';
import { kubeletArtifacts } from '../../src/manifests/kubelet-config.ts';
import { staticPodArtifact } from '../../src/manifests/pod.ts';
import { schedulerPod } from '../../src/manifests/scheduler.ts';
import { golden, goldenHost, podContextOf } from '../golden/support/case.ts';
import { binaries } from '../lab/lab.ts';
import { median, type Row } from './measure.ts';

const config = `apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint: {advertiseAddress: 192.168.3.129}
nodeRegistration: {name: master1, criSocket: unix:///run/containerd/containerd.sock}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v1.36.3
`;

/** Each bench beside its bar. */
export function pkiRows(rounds: number, program: string): readonly Row[] {
  return [certificates(rounds, program), loading(), rendering()];
}

/**
 * Each round makes the PKI anew by both tools, one after the other, in a mount namespace with /etc/kubernetes in memory.
 * Making RSA keys is a matter of luck: hence many rounds and their sum's median.
 */
function certificates(rounds: number, program: string): Row {
  const configPath = '/tmp/kbinit-bench-pki.yaml';
  writeFileSync(configPath, config);
  const script = `set -e
    mkdir -p /etc/kubernetes /var/lib/kbinit
    mount -t tmpfs tmpfs /etc/kubernetes; mount -t tmpfs tmpfs /var/lib/kbinit
    export HOME=/etc/kubernetes
    for round in $(seq ${rounds}); do
      for tool in "$KUBEADM" "$NODE $PROGRAM"; do
        rm -rf /etc/kubernetes/pki /var/lib/kbinit/*
        start=$(date +%s%N)
        $tool init phase certs all --config ${configPath} >/dev/null 2>&1
        echo $(( $(date +%s%N) - start ))
      done
    done`;
  const environment = { ...process.env, KUBEADM: binaries.kubeadm, NODE: process.execPath, PROGRAM: program };
  const args = ['--mount', '--propagation', 'private', 'sh', '-c', script];
  const times = execFileSync('unshare', args, { encoding: 'utf8', env: environment }).trim().split('\n').map(Number);
  const seconds = (parity: number): number => median(times.filter((_, index) => index % 2 === parity)) / 1e9;
  return {
    what: 'init phase certs all / kubeadm (RSA-2048)',
    ours: seconds(1),
    peer: seconds(0),
    bar: '≤ 1.0',
    unit: 's',
  };
}

/** The four static Pods and the kubelet's files. */
function rendering(): Row {
  const { draft } = loadInit(config, 'config.yaml', {});
  const { spec } = completeInit(draft, goldenHost, { tokenCharacters: (n) => 'a'.repeat(n) });
  const render = (): void => {
    for (const pod of [apiserverPod, controllerManagerPod, schedulerPod, etcdPod]) {
      staticPodArtifact(pod(podContextOf(spec)));
    }
    kubeletArtifacts({ cluster: spec.cluster, node: spec.node, host: goldenHost, role: 'control-plane' });
  };
  return { what: 'rendering every manifest', ours: medianTime(render), peer: undefined, bar: '≤ 5 ms', unit: 'ms' };
}

/** Read, judge and complete the largest recorded configuration. */
function loading(): Row {
  const text = golden('v1.36.3/tuned-v1beta4', 'config.yaml');
  const load = (): void => {
    const { draft } = loadInit(text, 'config.yaml', {});
    completeInit(draft, goldenHost, { tokenCharacters: (n) => 'a'.repeat(n) });
  };
  return { what: 'loading a configuration', ours: medianTime(load), peer: undefined, bar: '≤ 30 ms', unit: 'ms' };
}

/** Milliseconds: the median of 20 after a warm-up. */
function medianTime(work: () => void): number {
  for (let i = 0; i < 10; i++) work();
  return median(
    Array.from({ length: 20 }, () => {
      const start = performance.now();
      work();
      return performance.now() - start;
    }),
  );
}
