// Leftovers: what an earlier cluster left behind that would quietly break this one.
import { X509Certificate } from 'node:crypto';
import { paths } from '../../kube/paths.ts';
import { warning, type Check, type Found } from '../check.ts';

const name = 'Leftovers';

/** CNI files that container runtimes bring along themselves, cluster or not. */
const runtimesOwn = /^(?:87-podman.*|(?:99|200)-loopback.*|1(?:00|1)-crio-.*|10-containerd-net.*)$/;

/** `caPath` is the cluster's CA on this host: a kubelet certificate of another CA is from another cluster. */
export function leftovers(caPath: string): Check {
  return {
    name,
    asks: { leftovers: true, certificates: [paths.kubeletClientCurrent, caPath] },
    run(found) {
      const kubelet = kubeletOf(found, caPath);
      // A node of this very cluster: its network is in use, not left over.
      if (kubelet === 'own') return [];
      const foreign = `a kubelet certificate of another CA (${paths.kubeletClientCurrent})`;
      const list = [...networkLeftovers(found), ...(kubelet === 'foreign' ? [foreign] : [])];
      if (list.length === 0) return [];
      const fix = '`kbinit reset --host-changes` removes them';
      return [warning(name, `an earlier cluster left ${list.join('; ')}`, fix)];
    },
  };
}

function networkLeftovers({ survey }: Found): readonly string[] {
  const { cniFiles, links, chains } = survey.leftovers;
  const cni = cniFiles.filter((file) => /\.(?:conf|conflist|json)$/.test(file) && !runtimesOwn.test(file));
  return [
    ...(cni.length === 0 ? [] : [`CNI configuration in /etc/cni/net.d (${cni.join(', ')})`]),
    ...(links.length === 0 ? [] : [`network links ${links.join(', ')}`]),
    ...(chains.length === 0 ? [] : [`packet filter chains ${some(chains)}`]),
  ];
}

function some(names: readonly string[]): string {
  return names.length <= 3 ? names.join(', ') : `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`;
}

function kubeletOf({ survey }: Found, caPath: string): 'none' | 'own' | 'foreign' {
  const [client] = survey.certificates.get(paths.kubeletClientCurrent) ?? [];
  if (client === undefined) return 'none';
  const authorities = survey.certificates.get(caPath) ?? [];
  return authorities.some((ca) => isIssuedBy(client, ca)) ? 'own' : 'foreign';
}

/** A certificate that can't be read was not issued by this CA. */
function isIssuedBy(pem: string, caPem: string): boolean {
  try {
    return new X509Certificate(pem).verify(new X509Certificate(caPem).publicKey);
  } catch {
    return false;
  }
}
