// firewalld: kept on, with exactly the ports of the host's roles and what the Pod network needs.
import type { LedgerEntry } from '../host/ledger.ts';
import { sh, type Shell } from '../host/shell.ts';

/** Take rules out, now and at boot. No reload: with firewalld's iptables backend that would drop every KUBE- chain. */
export function firewallRemoval({ zone, rules }: LedgerEntry & { readonly kind: 'firewall' }): Shell {
  const words = rules.map((rule) => `--remove-${rule}`);
  return sh`firewall-cmd -q --permanent ${`--zone=${zone}`} ${words}; firewall-cmd -q ${`--zone=${zone}`} ${words}`;
}
