// Join, phase preflight: look at the host, then find the cluster, before anything is changed.
import { KbError } from '../../errors.ts';
import { controlPlaneImages } from '../../kube/images.ts';
import { newestVersion } from '../../kube/releases.ts';
import { parseVersion } from '../../kube/version.ts';
import type { Found } from '../../preflight/check.ts';
import { ensureImages } from '../../preflight/images.ts';
import { podFiles } from '../../preflight/checks/host-files.ts';
import { clusterChecks, joinChecks, joiningControlPlaneChecks } from '../../preflight/index.ts';
import { askFor, runChecks, type Batches } from '../../preflight/run.ts';
import type { Phase } from '../../workflow/phase.ts';
import type { JoinContext } from './context.ts';
import { readExisting } from '../init/existing.ts';
import { controlPlaneOf, isControlPlane } from './control-plane.ts';
import { discover } from './discovery.ts';
import { discoveryFlags } from './discovery-flags.ts';
import { explainJoin, readEarlierJoin } from './previous-run.ts';
import { refuseTakenName } from './same-name.ts';
import { certificatesMissing, missingShared } from './shared-certificates.ts';
import { planned } from '../../plan/planned.ts';

export const joinPreflight: Phase<JoinContext> = {
  name: 'preflight',
  summary: 'Check the host and find the cluster',
  flags: [
    'config',
    'ignore-preflight-errors',
    ...discoveryFlags,
    'control-plane',
    'apiserver-advertise-address',
    'apiserver-bind-port',
    'cri-socket',
    'node-name',
    'replace',
    'admin-host',
    'certificate-key',
    'certificate-key-file',
    'copy-certs-from',
    'dry-run',
    'output',
  ],
  run: check,
};

async function check(ctx: JoinContext): Promise<void> {
  const { kubeletVersion = '' } = await ctx.host.facts();
  const version = parseVersion(kubeletVersion) ?? newestVersion();
  const batches = joinChecks(ctx.spec, { version });
  const asked = askFor(ctx.host, batches);
  // The host is judged while the cluster is looked for; what only the cluster's configuration can tell comes after that.
  await Promise.all([asked.then((found) => judge(ctx, batches, found)), refuseTakenName(ctx)]);
  const { cluster, isAssumed = false } = await discover(ctx);
  const { document: kubelet } = cluster.kubelet;
  if (!isAssumed) await judge(ctx, clusterChecks(ctx.spec, { version, kubelet }), await asked);
  if (isControlPlane(ctx) && !isAssumed) await checkControlPlane(ctx);
}

async function judge(ctx: JoinContext, batches: Batches, found?: Found): Promise<void> {
  const earlier = await readEarlierJoin(ctx);
  await runChecks({
    host: ctx.host,
    reporter: ctx.reporter,
    batches,
    ignore: [...ctx.ignorePreflightErrors],
    isExplained: (finding) => explainJoin(finding, earlier),
    onResults: ctx.onChecked,
    found,
  });
}

/** What only a host is asked that is to be a control plane (spec 03 §3: readiness, then init's checks, then images). */
async function checkControlPlane(ctx: JoinContext): Promise<void> {
  const node = await controlPlaneOf(ctx);
  const { cluster } = node.spec;
  const brings = ctx.spec.controlPlane?.certificateKey !== undefined || ctx.settings.copyFrom !== undefined;
  if (cluster.controlPlaneEndpoint === undefined) throw noSharedEndpoint(ctx);
  const missing = brings ? [] : missingShared(node, await readExisting(node));
  if (missing.length > 0) throw certificatesMissing(node, missing);
  const files = podFiles(node.spec, await ctx.host.facts(), ctx.settings.patches);
  await judge(ctx, joiningControlPlaneChecks(node.spec, brings, [files]));
  const images = controlPlaneImages(cluster);
  if (ctx.spec.isDryRun) {
    for (const image of images) {
      ctx.reporter.emit(planned(ctx.host.name, { op: 'image', name: image }));
    }
    return;
  }
  const { criSocket, imagePullPolicy: policy, imagePullSerial: isSerial } = ctx.spec.node;
  const ignore = [...ctx.ignorePreflightErrors];
  const { host, reporter, onChecked: onResults } = ctx;
  await ensureImages({ host, reporter, images, criSocket, policy, isSerial, ignore, onResults });
}

/** Every kubelet and every kubeconfig would name the first control plane alone, and be lost with it. */
function noSharedEndpoint(ctx: JoinContext): KbError {
  return new KbError({
    code: 'KB_CONTROL_PLANE_ENDPOINT',
    summary: 'the cluster has no controlPlaneEndpoint',
    host: ctx.host.name,
    detail: 'controlPlaneEndpoint is not set in the ClusterConfiguration of ConfigMap kube-system/kubeadm-config',
    fix: "set the cluster up with --control-plane-endpoint; or, with an address that is in the API server's certificate, add controlPlaneEndpoint to that ConfigMap and point the kubeconfigs and kube-public/cluster-info there",
  });
}
