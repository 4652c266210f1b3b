// `reset --host-changes`, phase network-leftovers: links, rules and files of the Pod network, by names that only
// Kubernetes and CNI own (R24). Everything else of the host's network stays as it is.
import { script } from '../../host/shell.ts';
import type { Phase, PhaseOutcome } from '../../workflow/phase.ts';
import { step, warn } from '../context.ts';
import type { RestoreContext } from './restore.ts';

export const networkLeftovers: Phase<RestoreContext> = {
  name: 'network-leftovers',
  summary: 'Remove links, rules and files of the Pod network',
  run: removeLeftovers,
};

/** What is there; a dry run shows it. */
const looker = script`
for link in cni0 flannel.1 flannel-v6.1 flannel-wg flannel-wg-v6 kube-ipvs0 nodelocaldns; do
  [ ! -d "/sys/class/net/$link" ] || echo "link $link"
done
# Where each backend has its own name, rules of both are found; CentOS 7 has one alone.
tools='iptables ip6tables'
! command -v iptables-nft >/dev/null || tools='iptables-nft iptables-legacy ip6tables-nft ip6tables-legacy'
for tool in $tools; do
  command -v "$tool" >/dev/null || continue
  for table in raw mangle nat filter; do
    "$tool" -w -t "$table" -S 2>/dev/null | grep -E '^-N (KUBE-|CNI-|FLANNEL-)' | sed "s/^-N /chain $tool $table /"
  done
done
if command -v nft >/dev/null; then
  nft list tables 2>/dev/null | while read -r _ family name; do
    case $name in kube-proxy|flannel-ipv4|flannel-ipv6) echo "table $family $name" ;; esac
  done
fi
# flannel's DaemonSet puts its plugin there, over one that was uploaded too.
for file in /etc/cni/net.d/10-flannel.conflist /opt/cni/bin/flannel; do [ ! -e "$file" ] || echo "file $file"; done
for folder in /var/lib/cni /run/flannel; do [ ! -d "$folder" ] || echo "folder $folder"; done
true
`;

/*
 * Reads what the look found. Rules that jump to a chain go first, one by one as the kernel itself writes them (xargs
 * takes its quotes apart), then the chains: nobody else's rule is read into a file and loaded again, so nobody's counters
 * or changes of the same moment are lost.
 */
const remover = script`
bad=0
list=$(cat)
printf '%s\n' "$list" | sed -n 's/^chain \([^ ]* [^ ]*\) .*/\1/p' | sort -u | while read -r tool table; do
  "$tool" -w -t "$table" -S | grep -E -- ' -j (KUBE-|CNI-|FLANNEL-)[^ ]*( |$)' | grep -v -E '^-A (KUBE-|CNI-|FLANNEL-)' |
    sed 's/^-A /-D /' | while IFS= read -r rule; do
      printf '%s\n' "$rule" | xargs "$tool" -w -t "$table" || echo "$tool -t $table $rule" >&2
    done
  chains=$(printf '%s\n' "$list" | sed -n "s/^chain $tool $table //p")
  for chain in $chains; do "$tool" -w -t "$table" -F "$chain"; done
  for chain in $chains; do "$tool" -w -t "$table" -X "$chain"; done
done || bad=1
printf '%s\n' "$list" | while read -r kind one two; do
  case $kind in
    link) ip link delete "$one" || echo "link $one stays" >&2 ;;
    table) nft delete table "$one" "$two" ;;
    file) rm -f -- "$one" ;;
  esac
done
exit $bad
`;

/** Emptied by host.remove, which stays off what is mounted there. */
const remaining = script`
for folder in /var/lib/cni /run/flannel; do [ -L "$folder" ] || rmdir --ignore-fail-on-non-empty -- "$folder" 2>/dev/null; done
true
`;

async function removeLeftovers(ctx: RestoreContext): Promise<PhaseOutcome> {
  const { stdout } = await ctx.host.probe(looker, { why: 'look for leftovers of the Pod network' });
  const found = stdout.split('\n').filter((line) => line !== '');
  if (found.length === 0) return 'unchanged';
  for (const line of found) step(ctx, 'network-leftovers', `removing ${line}`);
  const why = `remove ${summary(found)}`;
  const { code, stderr } = await ctx.host.run(remover, why, { stdin: stdout, idempotent: true });
  // iptables tells of its other backend with every command.
  const said = stderr.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('# Warning'));
  if (code !== 0 || said.length > 0) {
    warn(ctx, 'network-leftovers', `not all of it could be removed: ${said.at(-1) ?? `exit code ${code}`}`);
  }
  const folders = found.flatMap((line) => (line.startsWith('folder ') ? [`${line.slice('folder '.length)}/`] : []));
  if (folders.length > 0) {
    await ctx.host.remove(folders, 'delete what the Pod network kept');
    await ctx.host.run(remaining, 'remove its empty folders', { idempotent: true });
  }
  return 'done';
}

function summary(found: readonly string[]): string {
  const chains = found.filter((line) => line.startsWith('chain '));
  const others = found.filter((line) => !line.startsWith('chain ')).map((line) => line.replace(/^\S+ /, ''));
  return [...(chains.length > 0 ? [`${chains.length} chains of KUBE-, CNI- and FLANNEL-`] : []), ...others].join(', ');
}
