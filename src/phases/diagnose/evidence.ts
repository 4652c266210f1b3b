// What a host says about a component that does not come up: the kubelet's journal and flags, images, logs; one round trip.
import { sh } from '../../host/shell.ts';
import { staticPods, type StaticPod } from '../../kube/paths.ts';
import type { RunContext } from '../context.ts';
import { impatientTools, sections } from './containers.ts';
import { currentMessages } from './kubelet-journal.ts';
import { containerLines, messages } from './log-lines.ts';

/** A file that sets flags of the kubelet. */
export interface FlagFile {
  readonly file: string;
  /** `--name=value`, in the file's order. */
  readonly flags: readonly string[];
}

export interface Evidence {
  /** Messages of the kubelet that runs, or ran last. */
  readonly kubelet: readonly string[];
  /** `COMPONENT image IMAGE is not on the host` */
  readonly images: readonly string[];
  /** Of each component's newest container what it said since this run began. */
  readonly logs: ReadonlyMap<StaticPod, readonly string[]>;
  readonly flagFiles: readonly FlagFile[];
}

/** Ask; what the host lacks is left out. */
export async function collect(ctx: RunContext, criSocket: string, components: readonly StaticPod[]): Promise<Evidence> {
  // What was said before this run is not about it. The host's own clock counts.
  const { clock } = await ctx.host.facts();
  const since = Math.floor(clock.host);
  const { stdout } = await ctx.host.probe(sh`${impatientTools(criSocket)}echo '== kubelet'
journalctl -u kubelet --since ${`@${since}`} -n 600 --no-pager -o short-unix 2>/dev/null
for file in /var/lib/kubelet/kubeadm-flags.env /etc/default/kubelet /etc/sysconfig/kubelet \\
  $(systemctl show kubelet -p FragmentPath -p DropInPaths 2>/dev/null | sed 's/^[A-Za-z]*=//'); do
  [ -r "$file" ] || continue
  echo "== flags $file"
  grep -v '^[[:space:]]*#' "$file" | grep -oE -e '--[a-z][a-z0-9-]*(=[^[:space:]"]*)?'
done
echo '== images'
has_crictl && for name in ${components}; do
  for image in $(sed -n 's/^ *image: //p' "/etc/kubernetes/manifests/$name.yaml" 2>/dev/null); do
    missing=$(cri inspecti -q "$image" 2>&1 >/dev/null) && continue
    case $missing in *'no such image'*|*'not found'*) echo "$name image $image is not on the host" ;; esac
  done
done
for name in ${components}; do
  echo "== log $name"
  log=$(ls -t /var/log/pods/kube-system_"$name"-*/"$name"/*.log 2>/dev/null | head -n 1)
  [ -z "$log" ] || tail -n 60 "$log" | cut -c 1-4000
done
exit 0
`);
  const found = sections(stdout);
  const lines = (name: string): readonly string[] => found.find((one) => one.name === name)?.lines ?? [];
  return {
    kubelet: currentMessages(lines('kubelet'), clock.host + ctx.clock.now().getTime() / 1000 - clock.local),
    images: lines('images'),
    logs: new Map(
      staticPods.map((component) => [component, messages(containerLines(lines(`log ${component}`), since))]),
    ),
    flagFiles: found.flatMap(({ name, lines: flags }) =>
      name.startsWith('flags ') ? [{ file: name.slice('flags '.length), flags }] : [],
    ),
  };
}

/** The file that sets this flag; of several the last, which the kubelet obeys. */
export function sourceOf(files: readonly FlagFile[], flag: string): string | undefined {
  return files.findLast(({ flags }) => flags.some((one) => one === flag || one.startsWith(`${flag}=`)))?.file;
}

/** Where the kubelet gets another node name than this one. */
export function nameOverride(files: readonly FlagFile[], name: string): { file: string; value: string } | undefined {
  const prefix = '--hostname-override=';
  const found = files.flatMap(({ file, flags }) =>
    flags.filter((flag) => flag.startsWith(prefix)).map((flag) => ({ file, value: flag.slice(prefix.length) })),
  );
  return found.findLast(({ value }) => value !== name);
}
