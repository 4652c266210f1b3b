// The name under which a host is a node of its cluster.
import { readCertificates } from '../../certs/x509.ts';
import type { HostView } from '../../host/host.ts';
import { paths } from '../../kube/paths.ts';

/** The node in the kubelet's client certificate; undefined on a host that has none that can be read. */
export async function registeredName(host: Pick<HostView, 'read'>): Promise<string | undefined> {
  const pem = await host.read(paths.kubeletClientCurrent);
  try {
    const [certificate] = pem === undefined ? [] : readCertificates(pem);
    return /^system:node:(.+)$/.exec(certificate?.subject.commonName ?? '')?.[1];
  } catch {
    return undefined;
  }
}
