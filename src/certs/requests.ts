// Keys and signing requests for a CA that is kept elsewhere (kubeadm certs generate-csr, spec 04 §1.5).
import { createPrivateKey } from 'node:crypto';
import type { ClusterSpec } from '../config/spec.ts';
import type { Problem } from '../errors.ts';
import type { Artifact } from '../host/host.ts';
import type { RandomSource } from '../util/keygen.ts';
import type { AltNameSpec } from './alt-names.ts';
import { pkiKeyAlgorithm } from './keys.ts';
import { certificatePlan } from './plan.ts';
import { createRequest, type AltNames, type Subject } from './x509.ts';

export interface SigningRequestSpec extends AltNameSpec {
  readonly cluster: ClusterSpec;
  readonly chance: Pick<RandomSource, 'keys'>;
}

/** The files of one request. */
export interface SigningRequest {
  /** `apiserver`, `admin.conf` */
  readonly name: string;
  readonly artifacts: readonly Artifact[];
}

/** A key and a request for every leaf of the PKI. */
export function certificateRequests(spec: SigningRequestSpec): Promise<readonly SigningRequest[]> {
  const folder = spec.cluster.certificatesDir;
  const leaves = certificatePlan(spec).filter(({ signer }) => signer !== 'self');
  return Promise.all(
    leaves.map(async ({ name, base, subject, altNames }) => {
      const key = await spec.chance.keys.next(pkiKeyAlgorithm(spec.cluster));
      const path = `${folder}/${base}`;
      const artifacts: readonly Artifact[] = [
        { path: `${path}.key`, mode: 0o600, body: key.privatePem, secret: true },
        requestArtifact(`${path}.csr`, { subject, altNames }, key.privatePem),
      ];
      return { name, artifacts };
    }),
  );
}

/** The file of one request. A request names no usages: the CA that signs it decides. */
export function requestArtifact(
  path: string,
  who: { readonly subject: Subject; readonly altNames: AltNames },
  privatePem: string,
): Artifact {
  return { path, mode: 0o600, body: createRequest(who.subject, who.altNames, createPrivateKey(privatePem)) };
}

/** Nothing that exists is overwritten: a key that was signed already would be lost. */
export function requestsInTheWay(existing: readonly string[]): readonly Problem[] {
  return existing.map((path) => ({
    code: 'KB_FILE_EXISTS',
    summary: 'a file to be written exists',
    detail: `${path} exists, and a key that was signed already would be lost`,
    fix: 'move it away, or write into other folders: --cert-dir and --kubeconfig-dir',
  }));
}
