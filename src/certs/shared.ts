// What all control planes of a cluster have in common: the CAs, the service-account pair, the client of an external etcd.
import type { ClusterSpec } from '../config/spec.ts';

/** A file that control planes share: its key in the Secret kubeadm-certs, where it lies, with which mode. */
export interface SharedFile {
  /** `etcd-ca.key` */
  readonly name: string;
  readonly path: string;
  readonly mode: 0o600 | 0o644;
  readonly isKey: boolean;
}

/** The files in the order in which they are written: a certificate before its key (spec 04 §6.1). */
export function sharedFiles({
  certificatesDir,
  etcd,
}: Pick<ClusterSpec, 'certificatesDir' | 'etcd'>): readonly SharedFile[] {
  const here = (name: string, file = name): SharedFile => shared(name, `${certificatesDir}/${file}`);
  const common = ['ca.crt', 'ca.key', 'front-proxy-ca.crt', 'front-proxy-ca.key', 'sa.pub', 'sa.key'].map((name) =>
    here(name),
  );
  if (etcd.kind === 'local') return [...common, here('etcd-ca.crt', 'etcd/ca.crt'), here('etcd-ca.key', 'etcd/ca.key')];
  const external = [
    shared('external-etcd-ca.crt', etcd.caFile),
    shared('external-etcd.crt', etcd.certFile),
    shared('external-etcd.key', etcd.keyFile),
  ];
  return [...common, ...external.filter(({ path }) => path !== '')];
}

/** sa.pub goes through kubeadm's key writer, hence its mode. */
function shared(name: string, path: string): SharedFile {
  const isKey = name.endsWith('.key');
  return { name, path, isKey, mode: isKey || name === 'sa.pub' ? 0o600 : 0o644 };
}
