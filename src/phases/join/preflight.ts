// Join, phase preflight: look at the host, then find the cluster, before anything is changed.
import { KbError } from '../../errors.ts';
import { joinChecks } from '../../preflight/index.ts';
import { runChecks } from '../../preflight/run.ts';
import type { Phase } from '../../workflow/phase.ts';
import type { JoinContext } from '../context.ts';
import { discover } from './discovery.ts';
import { explainJoin, readEarlierJoin } from './earlier.ts';

export const joinPreflight: Phase<JoinContext> = {
  name: 'preflight',
  summary: 'Check the host and find the cluster',
  flags: [
    'config',
    'ignore-preflight-errors',
    'tls-bootstrap-token',
    'token',
    'control-plane',
    'apiserver-advertise-address',
    'apiserver-bind-port',
    'cri-socket',
    'node-name',
    'discovery-file',
    'discovery-token',
    'discovery-token-ca-cert-hash',
    'discovery-token-unsafe-skip-ca-verification',
    'certificate-key',
    'dry-run',
  ],
  run: check,
};

async function check(ctx: JoinContext): Promise<void> {
  const earlier = await readEarlierJoin(ctx);
  const judge = (kubelet: Readonly<Record<string, unknown>>): Promise<unknown> =>
    runChecks({
      host: ctx.host,
      reporter: ctx.reporter,
      batches: joinChecks(ctx.spec, kubelet),
      ignore: [...ctx.ignorePreflightErrors],
      isExplained: (finding) => explainJoin(finding, earlier),
    });
  // The host is judged while the cluster is looked for, so leniently where only the cluster's configuration can tell.
  await Promise.all([judge(lenient), findCluster(ctx, earlier.isJoined)]);
  const [{ cluster, isAssumed = false }, { cgroupVersion }] = await Promise.all([discover(ctx), ctx.host.facts()]);
  const isLenient = isAssumed || cluster.kubelet.document['failCgroupV1'] === false;
  if (cgroupVersion === 1 && !isLenient) await judge(cluster.kubelet.document);
}

/** What a KubeletConfiguration can say to make a finding a warning. */
const lenient = { failCgroupV1: false };

/** A name that another, living node has is refused before anything is written (kubeadm#1711). */
async function findCluster(ctx: JoinContext, isJoined: boolean): Promise<void> {
  const { api, isAssumed = false } = await discover(ctx);
  if (isJoined || isAssumed) return;
  const { name } = ctx.spec.node;
  const node = await api.get({ apiVersion: 'v1', kind: 'Node', name });
  if (node === undefined || !isReady(node['status'])) return;
  throw new KbError({
    code: 'KB_NODE_NAME_TAKEN',
    summary: `a node named ${name} is in the cluster already, and Ready`,
    host: ctx.host.name,
    detail: `Node ${name} reports Ready; this host has not joined`,
    fix: 'give this host another name (--node-name), or remove the old node first (kubectl delete node)',
  });
}

function isReady(status: unknown): boolean {
  const conditions = typeof status === 'object' && status !== null && 'conditions' in status ? status.conditions : [];
  if (!Array.isArray(conditions)) return false;
  return conditions.some(
    (condition: unknown) =>
      typeof condition === 'object' &&
      condition !== null &&
      'type' in condition &&
      'status' in condition &&
      condition.type === 'Ready' &&
      condition.status === 'True',
  );
}
