// Leftovers: what an earlier cluster left behind that would quietly break this one.
import { whyNotChained } from '../../certs/inspect.ts';
import { readCertificates } from '../../certs/x509.ts';
import { quote } from '../../host/shell.ts';
import { paths } from '../../kube/paths.ts';
import { error, warning, type Check, type Found } from '../check.ts';

const name = 'Leftovers';

/** CNI files that container runtimes bring along themselves, cluster or not. */
const runtimesOwn = /^(?:87-podman.*|(?:99|200)-loopback.*|1(?:00|0|1)-crio-.*|10-containerd-net.*|nerdctl-.*)$/;

/**
 * `caPath` is the cluster's CA on this host: a kubelet certificate of another CA is from another cluster. Rules of
 * kube-proxy alone are only told of: it replaces them when it starts.
 */
export function leftovers(caPath: string): Check {
  return {
    name,
    asks: { leftovers: true, certificates: [paths.kubeletClientCurrent, caPath] },
    run(found) {
      const kubelet = kubeletOf(found, caPath);
      // A node of this very cluster: its network is in use, not left over.
      if (kubelet === 'own') return [];
      const harmful = [...(kubelet === 'foreign' ? [foreignKubelet] : []), ...networkLeftovers(found)];
      const list = [...harmful, ...ruleLeftovers(found)];
      if (list.length === 0) return [];
      const whats = list.map((l) => l.what).join('; ');
      const cures = [...new Set(list.map(({ cure }) => cure))];
      // A reset stands alone: it gets the host that it is for, what is typed on that host does not.
      const byHand = cures.filter((cure) => cure !== foreignKubelet.cure).join('; ');
      const spans = [byHand, ...cures.filter((cure) => cure === foreignKubelet.cure)].filter((cure) => cure !== '');
      const tell = harmful.length > 0 ? error : warning;
      return [
        tell(
          name,
          `an earlier cluster left ${whats}`,
          `remove them: ${spans.map((span) => `\`${span}\``).join('; ')}; ${alsoByReset}`,
          {
            kind: 'leftovers',
          },
        ),
      ];
    },
  };
}

const alsoByReset = '`kbinit reset --host-changes` does it too, and takes back what `host prepare` did';

/** Something left over, and the command that removes it and nothing else. */
interface Leftover {
  readonly what: string;
  readonly cure: string;
}

const foreignKubelet: Leftover = {
  what: `a kubelet certificate of another CA (${paths.kubeletClientCurrent})`,
  cure: 'kbinit reset',
};

function networkLeftovers({ survey }: Found): readonly Leftover[] {
  const { links } = survey.leftovers;
  const files = survey.leftovers.cniFiles.filter((f) => /\.(?:conf|conflist|json)$/.test(f) && !runtimesOwn.test(f));
  const at = files.map((file) => quote(`/etc/cni/net.d/${file}`));
  return [
    ...when(files, `CNI configuration in /etc/cni/net.d (${files.join(', ')})`, `rm ${at.join(' ')}`),
    ...when(links, `network links ${links.join(', ')}`, links.map((link) => `ip link delete ${link}`).join('; ')),
  ];
}

function ruleLeftovers({ survey }: Found): readonly Leftover[] {
  const { chains, nftTables } = survey.leftovers;
  return [
    ...when(chains, `iptables chains ${some(chains)}`, 'iptables-save | grep -v KUBE- | iptables-restore'),
    ...when(
      nftTables,
      `nftables tables ${nftTables.join(', ')}`,
      nftTables.map((table) => `nft delete table ${table}`).join('; '),
    ),
  ];
}

function when(found: readonly string[], what: string, cure: string): readonly Leftover[] {
  return found.length === 0 ? [] : [{ what, cure }];
}

function some(names: readonly string[]): string {
  return names.length <= 3 ? names.join(', ') : `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`;
}

/** By the rules by which the API server will judge the kubelet. What cannot be read was not issued by this CA. */
function kubeletOf({ survey }: Found, caPath: string): 'none' | 'own' | 'foreign' {
  const client = survey.certificates.get(paths.kubeletClientCurrent) ?? [];
  if (client.length === 0) return 'none';
  const [leaf, ...others] = client.flatMap(readCertificates);
  const authorities = (survey.certificates.get(caPath) ?? []).flatMap(readCertificates);
  if (leaf === undefined) return 'foreign';
  return authorities.some((ca) => whyNotChained([leaf, ...others], ca) === undefined) ? 'own' : 'foreign';
}
