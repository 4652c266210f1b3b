// A kubeconfig for one more user: a client certificate of the cluster's CA, or a token (kubeadm kubeconfig user).
import { issueLeaf } from '../certs/issue.ts';
import { kubeconfigKeyAlgorithm } from '../certs/keys.ts';
import { surveySigner } from '../certs/renew.ts';
import { KbError } from '../errors.ts';
import type { RandomSource } from '../util/keygen.ts';
import { sharedEndpoint } from './endpoint.ts';
import type { KubeconfigSpec } from './files.ts';
import { renderKubeconfig } from './kubeconfig.ts';

export interface UserRequest extends KubeconfigSpec {
  /** The client's name: the certificate's CN. */
  readonly name: string;
  readonly identity:
    | { readonly kind: 'token'; readonly token: string }
    | { readonly kind: 'certificate'; readonly organizations: readonly string[]; readonly validitySeconds: number };
  /** Texts of ca.crt and ca.key by path. */
  readonly existing: ReadonlyMap<string, string>;
  readonly chance: Pick<RandomSource, 'keys' | 'serial'>;
  readonly now: Date;
}

/** The kubeconfig's text. @throws KbError KB_CA_KEY_MISSING, KB_PKI_INCOMPLETE, KB_CERT_* */
export async function userKubeconfig(request: UserRequest): Promise<string> {
  const { cluster, localAPIEndpoint, name, identity, now } = request;
  const disk = { existing: request.existing, journal: new Set<string>(), certificatesDir: cluster.certificatesDir };
  const signer = surveySigner('ca', disk, now);
  if (signer.kind === 'unusable') throw new KbError(signer.problems);
  const ca = signer.kind === 'ready' ? signer.authority.certificate : signer.certificate;
  const common = {
    clusterName: cluster.clusterName,
    server: sharedEndpoint(cluster, localAPIEndpoint),
    ca: ca.pem,
    user: name,
  };
  if (identity.kind === 'token') return renderKubeconfig({ ...common, identity }, cluster.version);
  if (signer.kind !== 'ready') throw keyElsewhere(cluster.certificatesDir);
  const key = await request.chance.keys.next(kubeconfigKeyAlgorithm(cluster));
  const wanted = {
    subject: { commonName: name, organizations: identity.organizations },
    usages: ['clientAuth'],
    altNames: { dnsNames: [], ipAddresses: [] },
    begins: 'with-ca' as const,
    validitySeconds: identity.validitySeconds,
  };
  const certificate = issueLeaf(wanted, key.publicPem, signer.authority, request);
  return renderKubeconfig(
    { ...common, identity: { kind: 'certificate', certificate, key: key.privatePem } },
    cluster.version,
  );
}

function keyElsewhere(folder: string): KbError {
  return new KbError({
    code: 'KB_CA_KEY_MISSING',
    summary: 'the cluster CA has no key to sign a client certificate with',
    detail: `${folder}/ca.crt exists, ${folder}/ca.key does not`,
    fix: 'run this on a host that has the key, or give --token for a kubeconfig with a token',
  });
}
