// The folders with certificates that the API server and the controller manager mount (spec 04 §3.8).
import type { ExternalEtcd } from '../config/spec.ts';
import { splitsPkiDirectory } from '../kube/traits.ts';
import type { KubeVersion } from '../kube/version.ts';
import { type PodContext, type PodVolume, samePath } from './pod.ts';

const systemCertificates = '/etc/ssl/certs';

/** Where distributions keep CA certificates besides /etc/ssl/certs, by version. */
function extraCaDirectories(version: KubeVersion): readonly string[] {
  const pki = splitsPkiDirectory(version) ? ['/etc/pki/ca-trust', '/etc/pki/tls/certs'] : ['/etc/pki'];
  return [...pki, '/etc/ca-certificates', '/usr/share/ca-certificates', '/usr/local/share/ca-certificates'];
}

/** The cluster's certificates, the system's, and the extra CA folders that this host has. */
export function certificateVolumes(ctx: PodContext): PodVolume[] {
  const existing = new Set(ctx.host.caDirectories);
  const extra = extraCaDirectories(ctx.cluster.version).filter((path) => existing.has(path));
  return [
    samePath('k8s-certs', ctx.cluster.certificatesDir, 'DirectoryOrCreate', true),
    samePath('ca-certs', systemCertificates, 'DirectoryOrCreate', true),
    ...extra.map((path) => samePath(path.slice(1).replaceAll('/', '-'), path, 'DirectoryOrCreate', true)),
  ];
}

/** The folders of an external etcd's client files that no other volume covers, nested ones as their parent. */
export function externalEtcdVolumes(ctx: PodContext, etcd: ExternalEtcd): PodVolume[] {
  const covered = [ctx.cluster.certificatesDir, systemCertificates, ...extraCaDirectories(ctx.cluster.version)];
  const folders = [etcd.caFile, etcd.certFile, etcd.keyFile]
    .filter((path) => path !== '')
    .map(folderOf)
    .filter((folder) => !covered.some((path) => isWithin(folder, path)));
  const outermost = folders.filter((folder) => !folders.some((other) => other !== folder && isWithin(folder, other)));
  return [...new Set(outermost)]
    .toSorted()
    .map((folder, index) => samePath(`etcd-certs-${index}`, folder, 'DirectoryOrCreate', true));
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

/** kubeadm compares text prefixes, so that /etc/etcd2 counts as inside /etc/etcd and its files stay unmounted; whole names here. */
function isWithin(folder: string, parent: string): boolean {
  return folder === parent || folder.startsWith(parent.endsWith('/') ? parent : `${parent}/`);
}
