// Phase kubelet-start: the kubelet's three files, then a (re)start where anything is new.
import { kubeletArtifacts } from '../../manifests/kubelet-config.ts';
import { paths } from '../../kube/paths.ts';
import type { Host } from '../../host/host.ts';
import { sh } from '../../host/shell.ts';
import type { Phase, PhaseOutcome } from '../../workflow/phase.ts';
import { step, warn, type InitContext, type RunContext } from '../context.ts';

export const kubeletStart: Phase<InitContext> = {
  name: 'kubelet-start',
  summary: 'Write the kubelet configuration and start the kubelet',
  flags: ['config', 'image-repository', 'cri-socket', 'node-name', 'patches', 'dry-run'],
  run: startInitKubelet,
};

async function startInitKubelet(ctx: InitContext): Promise<PhaseOutcome> {
  const facts = await ctx.host.facts();
  const artifacts = kubeletArtifacts({
    cluster: ctx.spec.cluster,
    node: ctx.spec.node,
    host: { hostname: facts.hostname, isResolvedActive: facts.isResolvedActive },
    role: 'control-plane',
    patches: ctx.settings.patches,
  });
  // The manifests folder is there before the kubelet starts: it looks for a missing one only once a second.
  const changes = await ctx.host.write(artifacts, [
    { path: paths.kubelet, mode: 0o700 },
    { path: paths.manifests, mode: 0o700 },
  ]);
  const isUnchanged = changes.every(({ outcome }) => outcome === 'unchanged');
  ctx.isKubeletUnchanged = isUnchanged && (await isKubeletActive(ctx.host));
  if (ctx.isKubeletUnchanged) return 'unchanged';
  await restartKubelet(ctx, 'kubelet-start');
  return 'done';
}

/** Is the service up (or on its way)? */
export async function isKubeletActive(host: Host): Promise<boolean> {
  const { stdout } = await host.probe(sh`systemctl is-active kubelet || true`);
  return ['active', 'activating'].includes(stdout.trim());
}

/** Restart the kubelet; like kubeadm, a host without a usable init system gets a warning, not an error. */
export async function restartKubelet(ctx: RunContext, phase: string): Promise<void> {
  step(ctx, phase, 'starting the kubelet');
  // Reading all units anew takes longer than starting the kubelet; it is only needed where a unit file has changed.
  const { code, stderr } = await ctx.host.run(
    sh`
case $(systemctl show kubelet -p NeedDaemonReload) in
  NeedDaemonReload=no) ;;
  *) systemctl daemon-reload || exit ;;
esac
systemctl restart kubelet`,
    'start the kubelet with its new configuration',
    { idempotent: true },
  );
  if (code !== 0) {
    warn(ctx, phase, `the kubelet could not be started: ${stderr.trim()}; see to it that it is started by other means`);
  }
}
