// Kubeconfigs that wait for their certificate: a key inside, and a request beside each (spec 04 §1.5).
import { kubeconfigKeyAlgorithm } from '../certs/keys.ts';
import { requestArtifact, type SigningRequest, type SigningRequestSpec } from '../certs/requests.ts';
import { kubeconfigPlan } from './files.ts';
import { renderKubeconfig } from './kubeconfig.ts';

/** Every kubeconfig of a control plane without CA and certificate, and its request as FILE.csr. */
export function kubeconfigRequests(spec: SigningRequestSpec, folder: string): Promise<readonly SigningRequest[]> {
  const { cluster } = spec;
  return Promise.all(
    kubeconfigPlan(spec).map(async ({ file, user, organizations, server }) => {
      const key = await spec.chance.keys.next(kubeconfigKeyAlgorithm(cluster));
      const who = {
        subject: { commonName: user, organizations },
        altNames: { dnsNames: [], ipAddresses: [] },
      };
      const identity = { kind: 'certificate' as const, certificate: '', key: key.privatePem };
      const body = renderKubeconfig(
        { clusterName: cluster.clusterName, server, ca: '', user, identity },
        cluster.version,
      );
      return {
        name: file,
        artifacts: [
          { path: `${folder}/${file}`, mode: 0o600, body, secret: true as const },
          requestArtifact(`${folder}/${file}.csr`, who, key.privatePem),
        ],
      };
    }),
  );
}
