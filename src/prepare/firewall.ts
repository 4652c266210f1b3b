// firewalld: kept on, with exactly the ports of the host's roles and what the Pod network needs.
import type { LedgerEntry } from '../host/ledger.ts';
import { script, sh, type Shell } from '../host/shell.ts';
import { nothing, type Action, type Plan } from './action.ts';
import { runsNoPods } from './kernel.ts';
import { places } from './places.ts';
import type { PrepareSpec, Role } from './spec.ts';
import type { HostState } from './state.ts';

/**
 * What other hosts reach, in firewall-cmd's words (kubernetes.io, ports and protocols). The scheduler and the controller
 * manager listen on the loopback address only. NodePorts belong to workers.
 */
const ports: Readonly<Record<Role, (spec: PrepareSpec) => readonly string[]>> = {
  'control-plane': ({ apiPort }) => [`${apiPort}/tcp`, '2379-2380/tcp', '10250/tcp'],
  worker: () => ['10250/tcp', '10256/tcp', '30000-32767/tcp', '30000-32767/udp'],
  etcd: () => ['2379-2380/tcp'],
  lb: ({ apiPort }) => [`${apiPort}/tcp`],
};

/** How flannel's packets travel; host-gw has none of its own. */
const backends: Readonly<Record<PrepareSpec['flannelBackend'], readonly string[]>> = {
  vxlan: ['8472/udp'],
  udp: ['8285/udp'],
  wireguard: ['51820-51821/udp'],
  'host-gw': [],
};

/** The rules of the host's zone. */
export function firewallRules(spec: PrepareSpec): readonly string[] {
  const own = spec.roles.flatMap((role) => ports[role](spec));
  const network = runsNoPods(spec) ? [] : backends[spec.flannelBackend];
  // keepalived's own protocol, where two load balancers share an address.
  const vrrp = spec.roles.includes('lb') ? ['protocol=vrrp'] : [];
  return [...[...new Set([...own, ...network])].map((port) => `port=${port}`), ...vrrp];
}

/** Open what is not open yet; Pods' addresses are trusted, because what they may reach is for NetworkPolicies to say. */
export function planFirewall(state: HostState, spec: PrepareSpec): Plan {
  const { firewall } = state;
  if (firewall === undefined) return { actions: [], notes: ['firewalld does not run: no port is opened'] };
  const rules = firewallRules(spec);
  const missing = rules.filter((rule) => !firewall.running.has(rule) || !firewall.permanent.has(rule));
  const subnets = runsNoPods(spec) ? [] : spec.podSubnets;
  const sources = subnets.filter((subnet) => !firewall.trusted.has(subnet) || !firewall.permanentTrusted.has(subnet));
  if (missing.length === 0 && sources.length === 0) return nothing;
  return {
    actions: [
      ...opening(firewall.zone, missing),
      ...opening(
        'trusted',
        sources.map((subnet) => `source=${subnet}`),
      ),
    ],
  };
}

/*
 * At run time and for the next boot. No reload: with firewalld's iptables backend that would drop every KUBE- chain.
 * firewall-cmd writes the zone's file in its own words and leaves an `.old` beside it, so both are kept as they were; and
 * what the file was afterwards, to tell whether somebody else has changed the zone since.
 */
const open = script`
folder=$1 zone=$2
shift 2
umask 077
file=/etc/firewalld/zones/$zone.xml
kept=$folder/$zone
if [ ! -d "$kept" ]; then
  rm -rf --one-file-system -- "$kept.new"
  mkdir -p -- "$kept.new" || exit 1
  for one in "$file" "$file.old"; do [ ! -e "$one" ] || cp -a -- "$one" "$kept.new/" || exit 1; done
  mv -T -- "$kept.new" "$kept" || exit 1
elif [ "$(sha256sum 2>/dev/null <"$file")" != "$(cat "$kept/after" 2>/dev/null)" ]; then
  : >"$kept/mixed"
fi
umask 022
firewall-cmd -q --permanent --zone="$zone" "$@" && firewall-cmd -q --zone="$zone" "$@" || exit 1
sha256sum 2>/dev/null <"$file" >"$kept/after" || rm -f -- "$kept/after"
`;

/*
 * firewalld is told even where the files are put back after it: it goes by what it remembers of them, and would write
 * rules that it was not told to forget into the zone's file with somebody's next change.
 */
const close = script`
folder=$1 zone=$2
shift 2
file=/etc/firewalld/zones/$zone.xml
kept=$folder/$zone
ours=
if [ -d "$kept" ] && [ ! -e "$kept/mixed" ] && [ "$(sha256sum 2>/dev/null <"$file")" = "$(cat "$kept/after" 2>/dev/null)" ]; then ours=yes; fi
if systemctl is-active --quiet firewalld; then
  firewall-cmd -q --zone="$zone" "$@"
  firewall-cmd -q --permanent --zone="$zone" "$@" || exit 1
elif [ -z "$ours" ]; then
  firewall-offline-cmd -q --zone="$zone" "$@" || exit 1
fi
[ -n "$ours" ] || exit 0
for one in "$file" "$file.old"; do
  copy=$kept/$(basename "$one")
  if [ -e "$copy" ]; then cp -a -- "$copy" "$one" || exit 1; else rm -f -- "$one"; fi
done
# Several sets of rules may go one after the other: the file is then as it was, and the rest is only told.
sha256sum 2>/dev/null <"$file" >"$kept/after" || rm -f -- "$kept/after"
`;

function opening(zone: string, rules: readonly string[]): readonly Action[] {
  if (rules.length === 0) return [];
  const added = rules.map((rule) => `--add-${rule}`);
  return [
    {
      kind: 'command',
      command: sh`set -- ${places.firewallCopies} ${zone} ${added}; ${open}`,
      why: `let ${rules.join(', ')} into the firewall zone ${zone}`,
      before: [{ kind: 'firewall', zone, rules }],
      io: {
        shown: sh`firewall-cmd --permanent --zone=${zone} ${added}\nfirewall-cmd --zone=${zone} ${added}`.text,
      },
    },
  ];
}

/** Take rules out, now and at boot. */
export function firewallRemoval({ zone, rules }: LedgerEntry & { readonly kind: 'firewall' }): Shell {
  return sh`set -- ${places.firewallCopies} ${zone} ${rules.map((rule) => `--remove-${rule}`)}; ${close}`;
}

/** The same as an administrator would type it. */
export function shownRemoval({ zone, rules }: LedgerEntry & { readonly kind: 'firewall' }): Shell {
  const gone = rules.map((rule) => `--remove-${rule}`);
  return sh`firewall-cmd --permanent --zone=${zone} ${gone}\nfirewall-cmd --zone=${zone} ${gone}`;
}
