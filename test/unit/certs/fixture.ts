// Specs for certificate and kubeconfig tests, and a PKI on a pretended disk.
import type { ClusterSpec, InitSpec, LocalEtcd } from '../../../src/config/spec.ts';
import { ensurePki, type PkiRequest, type PkiResult } from '../../../src/certs/pki.ts';
import { parseVersion, type KubeVersion } from '../../../src/kube/version.ts';
import { fixedRandomSource } from '../../fakes/keys.ts';

export type CertificateSpec = Pick<InitSpec, 'cluster' | 'node' | 'localAPIEndpoint'>;

export const pkiDir = '/etc/kubernetes/pki';
/** Not a whole second: certificates must cut it. */
export const now: Date = new Date('2026-11-21T02:54:13.789Z');

const daySeconds = 24 * 3600;

export const localEtcd: LocalEtcd = {
  kind: 'local',
  dataDir: '/var/lib/etcd',
  extraArgs: [],
  extraEnvs: [],
  serverCertSANs: [],
  peerCertSANs: [],
};

export function version(text: string): KubeVersion {
  const parsed = parseVersion(text);
  if (parsed === undefined) throw new Error(`not a version: ${text}`);
  return parsed;
}

const component = { extraArgs: [], extraVolumes: [], extraEnvs: [] };

/** The goldens' default cluster: host master1 at 192.168.3.129. */
export function spec(
  cluster: Partial<ClusterSpec> = {},
  node: { name?: string; bindPort?: number } = {},
): CertificateSpec {
  const { name = 'master1', bindPort = 6443 } = node;
  return {
    node: {
      name,
      criSocket: 'unix:///run/containerd/containerd.sock',
      taints: undefined,
      kubeletExtraArgs: [],
      ignorePreflightErrors: [],
      imagePullPolicy: 'IfNotPresent',
      imagePullSerial: true,
    },
    localAPIEndpoint: { advertiseAddress: '192.168.3.129', bindPort },
    cluster: {
      version: version('v1.36.3'),
      clusterName: 'kubernetes',
      networking: { serviceSubnet: '10.96.0.0/12', podSubnet: '', dnsDomain: 'cluster.local' },
      apiServer: { ...component, certSANs: [] },
      controllerManager: component,
      scheduler: component,
      etcd: localEtcd,
      dns: { isDisabled: false },
      proxy: { isDisabled: false },
      certificatesDir: pkiDir,
      imageRepository: 'registry.k8s.io',
      featureGates: {},
      encryptionAlgorithm: 'RSA-2048',
      certificateValiditySeconds: 365 * daySeconds,
      caCertificateValiditySeconds: 3650 * daySeconds,
      kubelet: { isUserSupplied: false, document: {} },
      kubeProxy: { isUserSupplied: false, document: {} },
      ...cluster,
    },
  };
}

/** A request over an empty disk. */
export function pkiRequest(from: CertificateSpec, change: Partial<PkiRequest> = {}): PkiRequest {
  return { ...from, existing: new Map(), chance: fixedRandomSource(), now, ...change };
}

/** The files of a first init. */
export async function freshPki(from: CertificateSpec = spec()): Promise<Map<string, string>> {
  return onDisk(await ensurePki(pkiRequest(from)));
}

export function onDisk({ artifacts }: Pick<PkiResult, 'artifacts'>): Map<string, string> {
  return new Map(artifacts.map(({ path, body }) => [path, body]));
}

/** A file that the test needs. */
export function fileOf(disk: ReadonlyMap<string, string>, name: string): string {
  const text = disk.get(`${pkiDir}/${name}`);
  if (text === undefined) throw new Error(`there is no ${name}`);
  return text;
}
