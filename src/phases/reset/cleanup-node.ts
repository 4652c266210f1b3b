// Reset, phase cleanup-node: stop the kubelet, end its Pods, unmount, then delete what init and join wrote.
import { KbError } from '../../errors.ts';
import { paths } from '../../kube/paths.ts';
import { runtimeTools } from '../../host/runtime.ts';
import { script, sh, type Shell } from '../../host/shell.ts';
import { Said } from '../../util/said.ts';
import { pathShape } from '../../util/shapes.ts';
import type { Phase } from '../../workflow/phase.ts';
import { step, stopIfAsked, warn } from '../context.ts';
import { journalFolder } from '../journal.ts';
import type { ResetContext } from './context.ts';
import { leftDataDir, leftFiles } from './reset-marker.ts';

export const cleanupNode: Phase<ResetContext> = {
  name: 'cleanup-node',
  aliases: ['cleanupnode'],
  summary: 'Stop the kubelet and delete what Kubernetes left on the host',
  flags: ['cert-dir', 'cri-socket', 'cleanup-tmp-dir', 'dry-run'],
  run: cleanUp,
};

async function cleanUp(ctx: ResetContext): Promise<void> {
  await stopKubelet(ctx);
  stopIfAsked(ctx);
  await removePods(ctx);
  stopIfAsked(ctx);
  const kubelet = await realPath(ctx, paths.kubelet);
  await unmountBelow(ctx, kubelet);
  stopIfAsked(ctx);
  // Run as a phase of its own, it knows from the mark of remove-etcd-member.
  const dataDir = ctx.etcdDataDir ?? leftDataDir(await ctx.host.readAll(leftFiles));
  // All in one: what may not be emptied stops it before the first deletion. etcd's data goes before its manifest, so that a
  // reset that is cut in between still knows on the next run whose data it was.
  await ctx.host.remove(
    [
      ...(dataDir === undefined ? [] : [`${dataDir}/`]),
      `${paths.manifests}/`,
      `${kubelet}/`,
      `${ctx.spec.certificatesDir}/`,
      ...(ctx.spec.cleanupTmpDir ? [`${paths.kubernetesTmp}/`] : []),
      paths.adminConf,
      paths.superAdminConf,
      paths.kubeletConf,
      paths.bootstrapKubeletConf,
      paths.controllerManagerConf,
      paths.schedulerConf,
      `${journalFolder}/`,
    ],
    'delete what init or join wrote',
  );
}

async function stopKubelet(ctx: ResetContext): Promise<void> {
  step(ctx, 'cleanup-node', 'stopping the kubelet');
  const { code, stderr } = await ctx.host.run(sh`systemctl stop kubelet`, 'stop the kubelet', { idempotent: true });
  if (code !== 0) warn(ctx, 'cleanup-node', `the kubelet could not be stopped: ${stderr.trim()}`);
}

/** All Pods of the runtime, as kubeadm: a host that is reset has no others. */
async function removePods(ctx: ResetContext): Promise<void> {
  const facts = await ctx.host.facts();
  const socket = ctx.spec.criSocket ?? facts.criSockets[0];
  if (socket === undefined) {
    warn(ctx, 'cleanup-node', 'no container runtime answers: containers are left as they are');
    return;
  }
  step(ctx, 'cleanup-node', 'ending the Pods of this host');
  const { code, stderr } = await ctx.host.run(
    sh`${runtimeTools(socket)}if has_crictl; then
  for id in $(cri pods -q); do
    (
      for try in 1 2 3 4 5; do
        cri stopp "$id" >/dev/null && cri rmp -f "$id" >/dev/null && exit 0
      done
      exit 1
    ) &
    pids="$pids $!"
  done
  failed=0
  for pid in $pids; do wait "$pid" || failed=1; done
  exit $failed
fi
for id in $(k8s_ctr tasks ls -q); do
  k8s_ctr tasks kill -s SIGKILL -a "$id" >/dev/null
  k8s_ctr tasks rm -f "$id" >/dev/null
done
for id in $(k8s_ctr containers ls -q); do k8s_ctr containers rm "$id" >/dev/null; done
exit 0
`,
    'end all Pods',
    { timeoutSeconds: 180, idempotent: true },
  );
  if (code !== 0) warn(ctx, 'cleanup-node', `some Pods could not be removed: ${stderr.trim().slice(0, 400)}`);
}

/** Where the folder really is; it may be a symlink to a larger disk. */
async function realPath(ctx: ResetContext, path: string): Promise<string> {
  const { stdout } = await ctx.host.probe(sh`readlink -f ${path} 2>/dev/null || true`);
  const real = stdout.trim();
  if (real === '') return path;
  const said = new Said();
  said.value('kubelet folder', real, pathShape);
  said.end();
  return real;
}

/*
 * The kernel's table of mounts has a blank, tab, newline and backslash of a mount point as `\` and exactly three octal
 * digits. printf takes up to three behind `\0`, so that a digit of the name that follows is none of them.
 */
const mountFunctions = script`
below() {
  while read -r _ point _; do
    case $point in "$1"/?*) printf '%s\n' "$point" ;; esac
  done < /proc/self/mounts | sort -r
}
unmount() {
  point=$1
  shift
  # The slash behind it keeps a newline at the end of the name.
  case $point in *\\*) point=$(printf '%b/' "$(printf '%s' "$point" | sed 's/\\\([0-7][0-7][0-7]\)/\\0\1/g')") ;; esac
  umount "$@" "$point" 2>&1
}
`;

/**
 * Unmount what is mounted below the folder, deepest first; a mount on the folder itself stays (k0s#1094). A busy mount
 * ends the reset before anything below it could be deleted (kubeadm#2923).
 */
async function unmountBelow(ctx: ResetContext, folder: string): Promise<void> {
  const { stdout, code } = await ctx.host.run(
    unmountCommand(folder, ctx.spec.unmountFlags),
    `unmount what is mounted below ${folder}`,
    { idempotent: true },
  );
  if (code === 0) return;
  throw new KbError({
    code: 'KB_MOUNT_BUSY',
    summary: 'a mount below the kubelet folder cannot be unmounted',
    host: ctx.host.name,
    detail: stdout.trim().split('\n').slice(-6).join('; '),
    fix: `stop what uses it (fuser -vm MOUNT) and run the reset again; nothing under ${folder} was deleted`,
  });
}

/** Exit code 1 where something is still mounted below the folder. */
export function unmountCommand(folder: string, flags: readonly string[]): Shell {
  const mangled = folder.replaceAll(/[ \t\n\\]/g, (one) => `\\${one.charCodeAt(0).toString(8).padStart(3, '0')}`);
  return sh`${mountFunctions}
folder=${mangled}
below "$folder" | while IFS= read -r mount; do unmount "$mount" ${umountOptions(flags)}; done
left=$(below "$folder")
[ -z "$left" ] && exit 0
echo "still mounted:"
printf '%s\n' "$left"
exit 1
`;
}

/** umount(8) words for the flags of umount(2) that it has. */
function umountOptions(flags: readonly string[]): readonly string[] {
  return [
    ...(flags.includes('MNT_FORCE') ? ['-f'] : []),
    ...(flags.includes('MNT_DETACH') ? ['-l'] : []),
    ...(flags.includes('UMOUNT_NOFOLLOW') ? ['-c'] : []),
  ];
}
