// The kubeconfig files of a control-plane node: who each is for, where it points, and whether an existing one may stay.
import type { InitSpec } from '../config/spec.ts';
import { KbError, type Problem } from '../errors.ts';
import type { Artifact } from '../host/host.ts';
import { hasSuperAdminConf, kubeletUsesLocalApiServer } from '../kube/traits.ts';
import { paths } from '../kube/paths.ts';
import type { KubeVersion } from '../kube/version.ts';
import type { RandomSource, KeyPair } from '../util/keygen.ts';
import { issueLeaf, type Authority } from '../certs/issue.ts';
import { kubeconfigKeyAlgorithm, readPrivateKey } from '../certs/keys.ts';
import { readCertificates } from '../certs/x509.ts';
import { localEndpoint, sharedEndpoint } from './endpoint.ts';
import { judgeKubeconfig } from './existing.ts';
import { renderKubeconfig } from './kubeconfig.ts';

export type KubeconfigSpec = Pick<InitSpec, 'cluster' | 'node' | 'localAPIEndpoint'>;

export interface KubeconfigPlan {
  /** The sub-phase's name: `admin`. */
  readonly name: string;
  /** `admin.conf` */
  readonly file: string;
  /** The user's and the certificate's name. */
  readonly user: string;
  readonly organizations: readonly string[];
  readonly server: string;
}

export interface KubeconfigRequest extends KubeconfigSpec {
  /** Where the files go; /etc/kubernetes when left out. */
  readonly folder?: string;
  /** Names of files that were asked for; all of them when left out. */
  readonly only?: readonly string[];
  /** Texts by absolute path: the kubeconfigs, ca.crt and ca.key. */
  readonly existing: ReadonlyMap<string, string>;
  readonly chance: Pick<RandomSource, 'keys' | 'serial'>;
  /** The start of the process. */
  readonly now: Date;
  /** Paths that this spec's own earlier, killed run was writing. */
  readonly journal?: ReadonlySet<string>;
}

export interface KubeconfigResult {
  readonly artifacts: readonly Artifact[];
  /** What is there and stays, with the mode it must have. */
  readonly kept: readonly Artifact[];
  readonly items: readonly { readonly name: string; readonly outcome: 'created' | 'reused' }[];
  readonly warnings: readonly string[];
}

/** The files that init writes, in kubeadm's order. */
export function kubeconfigFileNames(version: KubeVersion): readonly string[] {
  const superAdmin = hasSuperAdminConf(version) ? ['super-admin.conf'] : [];
  return ['admin.conf', ...superAdmin, 'kubelet.conf', 'controller-manager.conf', 'scheduler.conf'];
}

/** Who each file is for and which API server it names (spec 04 §2). */
export function kubeconfigPlan({ cluster, node, localAPIEndpoint }: KubeconfigSpec): readonly KubeconfigPlan[] {
  const { version, featureGates } = cluster;
  const local = localEndpoint(localAPIEndpoint);
  const shared = sharedEndpoint(cluster, localAPIEndpoint);
  const adminGroup = hasSuperAdminConf(version) ? 'kubeadm:cluster-admins' : 'system:masters';
  const kubeletServer = kubeletUsesLocalApiServer(version, featureGates) ? local : shared;
  const rows = [
    plan('admin', 'kubernetes-admin', [adminGroup], shared),
    plan('super-admin', 'kubernetes-super-admin', ['system:masters'], shared),
    plan('kubelet', `system:node:${node.name}`, ['system:nodes'], kubeletServer),
    plan('controller-manager', 'system:kube-controller-manager', [], local),
    plan('scheduler', 'system:kube-scheduler', [], local),
  ];
  return rows.filter(({ name }) => name !== 'super-admin' || hasSuperAdminConf(version));
}

/**
 * Write the missing kubeconfigs, keep those of this CA, refuse the rest.
 * @throws KbError with every problem at once: KB_KUBECONFIG_CA, KB_KUBECONFIG_INVALID, KB_CA_KEY_MISSING
 */
export async function ensureKubeconfigs(request: KubeconfigRequest): Promise<KubeconfigResult> {
  const { existing, folder = paths.kubernetes, only, journal = new Set<string>() } = request;
  const rows = kubeconfigPlan(request).filter(({ name }) => only === undefined || only.includes(name));
  const ca = clusterCa(request);
  const judged = rows.map((row) => {
    const path = `${folder}/${row.file}`;
    const text = existing.get(path);
    const { version } = request.cluster;
    const candidate = { ...row, path, text, ca, version, existing, now: request.now, isOurs: journal.has(path) };
    return { row, path, text, verdict: judgeKubeconfig(candidate) };
  });
  const missing = judged.filter(({ verdict }) => verdict.action === 'make');
  const problems = judged.flatMap(({ verdict }) => verdict.problems);
  const keyless =
    missing.length > 0 && ca.authority === undefined
      ? [
          noKey(
            request,
            missing.map(({ path }) => path),
          ),
        ]
      : [];
  if (problems.length + keyless.length > 0) throw new KbError([...problems, ...keyless]);
  const algorithm = kubeconfigKeyAlgorithm(request.cluster);
  const keys = await Promise.all(missing.map(() => request.chance.keys.next(algorithm)));
  const artifacts = missing.flatMap(({ row, path }, index): Artifact[] => {
    const key = keys[index];
    if (key === undefined || ca.authority === undefined) return [];
    return [{ path, mode: 0o600, body: write(request, row, key, ca.authority), secret: true }];
  });
  const made = new Set(missing.map(({ path }) => path));
  return {
    artifacts,
    kept: judged.flatMap(({ path, text }): Artifact[] =>
      made.has(path) || text === undefined ? [] : [{ path, mode: 0o600, body: text, secret: true }],
    ),
    items: judged.map(({ row, path }) => ({ name: row.name, outcome: made.has(path) ? 'created' : 'reused' })),
    warnings: judged.flatMap(({ verdict }) => verdict.warnings),
  };
}

/** The cluster's CA as it is on disk: its text, and who can sign with it. */
interface ClusterCa {
  readonly path: string;
  readonly bundle: string;
  readonly authority: Authority | undefined;
}

function clusterCa({ cluster, existing }: KubeconfigRequest): ClusterCa {
  const path = `${cluster.certificatesDir}/ca.crt`;
  const bundle = existing.get(path) ?? '';
  const [certificate] = readCertificates(bundle);
  if (certificate === undefined) {
    throw new KbError({
      code: 'KB_PKI_INCOMPLETE',
      summary: 'no cluster CA to write kubeconfigs for',
      phase: 'kubeconfig',
      detail: `${path} ${bundle === '' ? 'does not exist or is empty' : 'holds no certificate that can be read'}`,
      fix: 'run `kbinit init phase certs ca` first',
    });
  }
  const key = readPrivateKey(existing.get(`${cluster.certificatesDir}/ca.key`) ?? '', 'ca');
  // Only the first certificate of the file is a kubeconfig's CA, as kubeadm writes it.
  return { path, bundle, authority: key && { certificate, key } };
}

function plan(name: string, user: string, organizations: readonly string[], server: string): KubeconfigPlan {
  return { name, file: `${name}.conf`, user, organizations, server };
}

function write(request: KubeconfigRequest, row: KubeconfigPlan, key: KeyPair, authority: Authority): string {
  const { cluster } = request;
  const wanted = {
    subject: { commonName: row.user, organizations: row.organizations },
    usages: ['clientAuth'] as const,
    altNames: { dnsNames: [], ipAddresses: [] },
    begins: 'with-ca' as const,
  };
  const certificate = issueLeaf(wanted, key.publicPem, authority, request);
  return renderKubeconfig(
    {
      clusterName: cluster.clusterName,
      server: row.server,
      ca: authority.certificate.pem,
      user: row.user,
      identity: { kind: 'certificate', certificate, key: key.privatePem },
    },
    cluster.version,
  );
}

function noKey({ cluster }: KubeconfigRequest, files: readonly string[]): Problem {
  const path = `${cluster.certificatesDir}/ca.key`;
  return {
    code: 'KB_CA_KEY_MISSING',
    summary: 'the cluster CA has no key to sign kubeconfigs with',
    phase: 'kubeconfig',
    detail: `${path} does not exist or cannot be read, and ${files.join(', ')} must be made`,
    fix: `copy the key to ${path}; or, with a CA that is kept elsewhere, put ${files.join(', ')} there`,
  };
}
