// Images of a bundle: the import of those that a host lacks.
import { containerdSocket, runtimeTools } from '../host/runtime.ts';
import { script, sh } from '../host/shell.ts';
import { pauseImage } from '../kube/images.ts';
import { mebibytes, nothing, staged, type CommandAction, type Plan } from './action.ts';
import { runsNoPods } from './kernel.ts';
import { places } from './places.ts';
import type { BundledArchive, BundledImage, PrepareSpec } from './spec.ts';
import type { HostState } from './state.ts';

/** Import what the host lacks. */
export function planImages(state: HostState, spec: PrepareSpec): Plan {
  const { source, roles } = spec;
  if (source.kind !== 'binaries' || source.offline === undefined || runsNoPods(spec)) return nothing;
  const isNeeded = ({ only }: BundledImage): boolean => only === undefined || roles.includes(only);
  const lacks = (image: BundledImage): boolean =>
    isNeeded(image) && state.images.get(image.name)?.has(image.digest) !== true;
  const missing = source.offline.archives.filter(({ images }) => images.some(lacks));
  return { actions: missing.map((archive) => importOf(archive, pauseImage(spec))) };
}

function importOf(archive: BundledArchive, pause: string): CommandAction {
  const pairs = archive.images.flatMap(({ name, digest }) => [name, digest]);
  const path = `${places.staging}/${archive.file}`;
  const names = archive.images.map(({ name }) => name).join(', ');
  return {
    kind: 'command',
    command: sh`${runtimeTools(containerdSocket)}set -- ${path} ${pause} ${pairs}; ${importer}`,
    why: `import ${names} (${mebibytes([archive])} of the bundle)`,
    before: [],
    io: { timeoutSeconds: 1800, idempotent: true, shown: sh`ctr -n k8s.io images import ${path}`.text },
    uploads: [staged(archive.file, archive)],
    code: 'KB_IMAGE_IMPORT',
  };
}

/*
 * No flag for platforms: containerd takes that of the host, and an archive need not have the others (with
 * --all-platforms their absence is an error). The name with the digest is what the CRI tells as repoDigest, and what Pods
 * find that ask for the image by its digest; an import of a tag alone has none. The kubelet never collects a pinned image.
 */
const importer = script`
archive=$1 pause=$2
shift 2
trap 'rm -f -- "$archive"; rmdir --ignore-fail-on-non-empty -- "$(dirname -- "$archive")" 2>/dev/null' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
k8s() { k8s_ctr images "$@"; }
# It is gone where this runs a second time, because the answer of the first was lost.
if [ -e "$archive" ]; then
  said=$(k8s import "$archive" 2>&1) || { printf '%s\n' "$said" | tail -n 3 >&2; exit 1; }
fi
runtime_says() {
  has_crictl || return 0
  cri inspecti "$1" 2>/dev/null | grep -q -F "\"$2\""
}
while [ $# -gt 0 ]; do
  name=$1 digest=$2
  shift 2
  found=$(k8s ls "name==$name" | while read -r ref _ sum _; do [ "$ref" != "$name" ] || echo "$sum"; done)
  if [ "$found" != "$digest" ]; then
    [ -n "$found" ] || found='not there'
    echo "$name is $found after the import, the lock file has $digest" >&2
    exit 5
  fi
  case $name in *@*) continue ;; esac
  by_digest=$(printf %s "$name" | sed 's/:[^:/]*$//')@$digest
  k8s tag --force "$name" "$by_digest" >/dev/null || exit 1
  [ "$name" != "$pause" ] || k8s label "$name" io.cri-containerd.pinned=pinned >/dev/null || exit 1
  # The CRI hears of it from containerd.
  tries=0
  until runtime_says "$name" "$by_digest"; do
    tries=$((tries + 1))
    [ "$tries" -lt 50 ] || { echo "the runtime does not tell $by_digest as the digest of $name" >&2; exit 6; }
    sleep 0.2
  done
done
`;
