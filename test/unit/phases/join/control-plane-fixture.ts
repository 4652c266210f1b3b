// A host that joins as a control plane: its context over a fake host, a fake API and a fake etcd.
import { clusterOf } from '../../../../src/config/from-cluster.ts';
import { ensurePki } from '../../../../src/certs/pki.ts';
import { renderKubeconfig } from '../../../../src/kubeconfig/kubeconfig.ts';
import type { KubeObject } from '../../../../src/manifests/object.ts';
import type { ControlPlaneContext } from '../../../../src/phases/context.ts';
import type { JoinContext } from '../../../../src/phases/join/context.ts';
import type { RunEvent } from '../../../../src/report/events.ts';
import { systemClock } from '../../../../src/util/keygen.ts';
import { FakeApi } from '../../../fakes/api.ts';
import { FakeEtcd, three, type FakeMember } from '../../../fakes/etcd.ts';
import { FakeHost, recordingReporter, type FakeHostOptions } from '../../../fakes/host.ts';
import { fixedRandomSource } from '../../../fakes/keys.ts';
import { onDisk, pkiRequest, spec } from '../../certs/fixture.ts';
import { joinFrom, token } from './fixture.ts';

export interface Joining {
  readonly ctx: JoinContext;
  readonly node: ControlPlaneContext;
  readonly host: FakeHost;
  readonly api: FakeApi;
  readonly etcd: FakeEtcd;
  readonly events: readonly RunEvent[];
}

export interface JoiningOptions extends FakeHostOptions {
  readonly members?: readonly FakeMember[];
  /** Lines of the ClusterConfiguration. */
  readonly cluster?: string;
  /** Seconds for etcd. */
  readonly patience?: number;
  readonly isDead?: (identity: string) => boolean;
  readonly objects?: readonly KubeObject[];
}

/** master2 at 192.168.3.30 joins the cluster of these members; its certificates are there. */
export async function joining(options: JoiningOptions = {}): Promise<Joining> {
  const { members = three.slice(0, 1), patience = 0.3 } = options;
  const clusterConfiguration = `apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v1.36.3
controlPlaneEndpoint: 192.168.3.33:6443
${options.cluster ?? ''}`;
  const configMaps = { clusterConfiguration, kubelet: 'cgroupDriver: cgroupfs\n' };
  const cluster = clusterOf(configMaps);
  const pki = onDisk(await ensurePki(pkiRequest(spec({ encryptionAlgorithm: 'ECDSA-P256' }), { now: new Date() })));
  const ca = pki.get('/etc/kubernetes/pki/ca.crt') ?? '';
  const admin = renderKubeconfig({
    clusterName: 'kubernetes',
    server: 'https://192.168.3.33:6443',
    ca,
    user: 'kubernetes-admin',
    identity: { kind: 'token', token },
  });
  const host = new FakeHost({
    name: 'master2',
    ...options,
    files: { ...Object.fromEntries(pki), '/etc/kubernetes/admin.conf': admin, ...options.files },
    replies: [...(options.replies ?? []), [/\[ -e \S+member \]/, { code: 1 }]],
  });
  const etcd = new FakeEtcd(members);
  const pods = members.map(({ name, address }) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `etcd-${name}`,
      namespace: 'kube-system',
      labels: { component: 'etcd', tier: 'control-plane' },
      annotations: { 'kubeadm.kubernetes.io/etcd.advertise-client-urls': `https://${address}:2379` },
    },
  }));
  const api = new FakeApi([...pods, ...(options.objects ?? [])]);
  const reporter = recordingReporter();
  const flags = { apiServerEndpoint: '192.168.3.33:6443', token, discoveryTokenUnsafeSkipCaVerification: true };
  const base = joinFrom({ ...flags, controlPlane: true }, {}, { timeoutSeconds: 1 }).ctx;
  const timeouts = { ...base.spec.timeouts, etcdAPICall: patience, kubernetesAPICall: 1 };
  const localAPIEndpoint = { advertiseAddress: '192.168.3.30', bindPort: 6443 };
  const credentials = { server: 'https://192.168.3.33:6443', ca, token };
  const run = { ...base, host, reporter, apis: api, etcds: etcd, chance: fixedRandomSource(), clock: systemClock };
  const nodeSpec = { ...base.spec.node, name: 'master2' };
  const node: ControlPlaneContext = {
    ...run,
    spec: { cluster, node: nodeSpec, localAPIEndpoint, timeouts, isDryRun: false },
    settings: { patches: [], kubeconfigDir: '/etc/kubernetes' },
  };
  const ctx: JoinContext = {
    ...run,
    spec: { ...base.spec, node: nodeSpec, timeouts, controlPlane: { localAPIEndpoint } },
    settings: { patches: [], runner: { identity: 'me', isDead: options.isDead ?? (() => false) } },
    controlPlane: Promise.resolve(node),
    discovered: Promise.resolve({
      credentials,
      api: api.open(credentials),
      clusterName: 'kubernetes',
      cluster: { ...cluster },
      configMaps,
    }),
  };
  return { ctx, node, host, api, etcd, events: reporter.events };
}

/** What was told, in words. */
export function told(events: readonly RunEvent[]): readonly string[] {
  return events.flatMap((event) => (event.kind === 'step' || event.kind === 'warning' ? [event.text] : []));
}
