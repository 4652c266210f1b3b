// The control plane's certificates as they are on disk, and when each of them ends.
import { expirationOf, type Expiration, type Expirations } from '../certs/expiration.ts';
import { describePart, type Disk } from '../certs/inspect.ts';
import { authorityPair, type AuthorityName, type RenewingCluster } from '../certs/renew.ts';
import { judgeCertificates, readCertificates, type Certificate } from '../certs/x509.ts';
import { KbError, type Problem } from '../errors.ts';
import { parseKubeconfig } from './kubeconfig.ts';
import { pathOf, renewablesOf, type Renewable } from './renewables.ts';

const authorityNames: readonly AuthorityName[] = ['ca', 'etcd-ca', 'front-proxy-ca'];

/** Every file that is read for it. */
export function renewablePaths(cluster: RenewingCluster): readonly string[] {
  const authorities = authorityNames.flatMap((name) => {
    const { certificatePath, keyPath } = authorityPair(name, emptyDisk(cluster));
    return [certificatePath, keyPath];
  });
  return [...authorities, ...renewablesOf(cluster).map((item) => pathOf(item, cluster))];
}

export interface RenewableFiles {
  readonly cluster: RenewingCluster;
  /** Texts by absolute path; see renewablePaths. */
  readonly existing: ReadonlyMap<string, string>;
  readonly now: Date;
}

/** When everything ends. @throws KbError with every file that cannot be read */
export function expirations(request: RenewableFiles): Expirations {
  const { cluster } = request;
  const problems: Problem[] = [];
  const certificates = renewablesOf(cluster).map((item): Expiration => {
    const read = readItem(item, request);
    if (read.kind === 'refused') problems.push(...read.problems);
    return expirationOf(item.name, read.kind === 'good' ? read.certificate : undefined, {
      caName: item.signer,
      isExternal: isExternal(item.signer, request),
    });
  });
  const names = authorityNames.filter((name) => cluster.etcd.kind === 'local' || name !== 'etcd-ca');
  const authorities = names.map((name): Expiration => {
    const { certificatePath, certificate } = authorityPair(name, diskOf(request));
    if (certificate.kind === 'broken') problems.push(unreadable(name, certificatePath, certificate.found));
    const found = certificate.kind === 'good' ? certificate.value[0] : undefined;
    return expirationOf(name, found, { isExternal: isExternal(name, request) });
  });
  if (problems.length > 0) throw new KbError(problems);
  return { certificates, authorities };
}

/** What is where an item's certificate should be. */
export type ItemRead =
  | { readonly kind: 'missing' }
  | { readonly kind: 'good'; readonly certificate: Certificate }
  | { readonly kind: 'refused'; readonly problems: readonly Problem[] };

/** The certificate of an item as it is. Its key is not looked at: renewing makes another one. */
export function readItem(item: Renewable, { cluster, existing }: RenewableFiles): ItemRead {
  const path = pathOf(item, cluster);
  const text = existing.get(path);
  if (text === undefined) return { kind: 'missing' };
  if (item.kind === 'kubeconfig') return readEmbedded(item, path, text);
  const reading = judgeCertificates(text);
  if (reading.kind === 'good') return { kind: 'good', certificate: reading.value[0] };
  return { kind: 'refused', problems: [unreadable(item.name, path, reading.found)] };
}

function readEmbedded(item: Renewable, path: string, text: string): ItemRead {
  try {
    const { clientCertificate } = parseKubeconfig(text, path);
    const [certificate] = clientCertificate?.kind === 'data' ? readCertificates(clientCertificate.text) : [];
    if (certificate !== undefined) return { kind: 'good', certificate };
  } catch (error) {
    if (error instanceof KbError) return { kind: 'refused', problems: error.problems };
    throw error;
  }
  const problem: Problem = {
    code: 'KB_KUBECONFIG_INVALID',
    summary: `${item.name} holds no client certificate that can be read`,
    detail: `${path} has no readable client-certificate-data for the user of its current context`,
    fix: `put a good kubeconfig there, or move ${path} away and write it again: \`kbinit init phase kubeconfig ${item.name.replace(/\.conf$/, '')}\``,
  };
  return { kind: 'refused', problems: [problem] };
}

function unreadable(name: string, path: string, found: string): Problem {
  return {
    code: 'KB_CERT_INVALID',
    summary: `the certificate ${name} cannot be read`,
    detail: describePart(path, { kind: 'broken', found }),
    fix: `put the right ${path} there; a leaf and its key can also be moved away and generated again: \`kbinit init phase certs ${name}\``,
  };
}

function isExternal(name: AuthorityName, request: RenewableFiles): boolean {
  const { certificate, key } = authorityPair(name, diskOf(request));
  return certificate.kind === 'good' && key.kind === 'absent';
}

/** The disk as the PKI's functions take it; renewing asks for no journal. */
export function diskOf({ cluster, existing }: Pick<RenewableFiles, 'cluster' | 'existing'>): Disk {
  return { existing, journal: new Set(), certificatesDir: cluster.certificatesDir };
}

function emptyDisk(cluster: RenewingCluster): Disk {
  return diskOf({ cluster, existing: new Map() });
}
