// Taking an etcd member off a host that never came to vote: its Pod ended, its manifest and data moved aside, never deleted.
import { KbError } from '../../errors.ts';
import { runtimeTools } from '../../host/runtime.ts';
import { sh } from '../../host/shell.ts';
import { manifestPath } from '../../kube/paths.ts';
import type { ControlPlaneContext } from '../context.ts';

/**
 * Put manifest and data aside, and say where; undefined when there was nothing. The kubelet stands still meanwhile: one
 * that has never talked to an API server ends no Pod, and a container that starts again would make the folder anew.
 */
export async function moveAwayEtcdManifest(node: ControlPlaneContext, dataDir: string): Promise<string | undefined> {
  const stamp = node.clock
    .now()
    .toISOString()
    .replaceAll(/[^0-9TZ]/g, '');
  const { code, stdout, stderr } = await node.host.run(
    sh`${runtimeTools(node.spec.node.criSocket)}manifest=${manifestPath('etcd')} stamp=${stamp}
data=$(readlink -m ${dataDir})
if mountpoint -q "$data"; then aside=$data/left-$stamp; else aside=$data.left-$stamp; fi
[ -e "$manifest" ] || [ -e "$data/member" ] || exit 0
state=$(systemctl is-active kubelet)
systemctl stop kubelet
if has_crictl; then
  for id in $(cri pods --namespace kube-system --name '^etcd-' -q); do
    cri stopp "$id" >/dev/null && cri rmp -f "$id" >/dev/null
  done
else
  for id in $(k8s_ctr containers ls -q 'labels."io.kubernetes.container.name"==etcd'); do
    k8s_ctr tasks kill -s SIGKILL "$id" >/dev/null
    k8s_ctr tasks rm -f "$id" >/dev/null
    k8s_ctr containers rm "$id" >/dev/null
  done
fi
failed=0
mkdir -m 700 "$aside" || failed=1
[ ! -e "$manifest" ] || mv "$manifest" "$aside/etcd.yaml" || failed=1
[ ! -e "$data/member" ] || mv "$data/member" "$aside/member" || failed=1
case $state in active | activating) systemctl start kubelet ;; esac
printf '%s\n' "$aside"
exit $failed
`,
    `end the etcd Pod and move its manifest and ${dataDir} aside`,
    { timeoutSeconds: 120 },
  );
  const aside = stdout.trim();
  if (code === 0) return aside === '' ? undefined : aside;
  throw new KbError({
    code: 'KB_ETCD_LEARNER',
    summary: 'the data of an etcd member that does not vote could not be moved aside',
    host: node.host.name,
    detail: `${dataDir}: ${stderr.trim().split('\n').slice(-3).join('; ')}`,
    fix: `move ${dataDir} and ${manifestPath('etcd')} away, then continue with: ${node.resumeCommand}`,
  });
}
