// Join, phase control-plane-join: the node is marked as a control plane; in older versions its etcd joins here.
import { kubeletUsesLocalApiServer } from '../../kube/traits.ts';
import type { Phase, PhaseOutcome } from '../../workflow/phase.ts';
import { together } from '../cluster/apply.ts';
import { step, type ControlPlaneContext } from '../context.ts';
import type { JoinContext } from './context.ts';
import { markNode } from '../init/mark-control-plane.ts';
import { isControlPlane, onControlPlane, openAdmin } from './control-plane.ts';
import { joinEtcd } from './etcd-join.ts';

const name = 'control-plane-join';
const flags = ['config', 'control-plane', 'node-name', 'dry-run'];
const etcdFlags = ['patches', 'apiserver-advertise-address'];

export const controlPlaneJoin: Phase<JoinContext> = {
  name,
  summary: 'Make this node a control plane of the cluster',
  flags: [...flags, ...etcdFlags],
  isPart: isControlPlane,
  phases: [
    { name: 'etcd', summary: 'Join etcd, where the version does not do that earlier', flags: [...flags, ...etcdFlags] },
    { name: 'mark-control-plane', summary: 'Label and taint this node as a control plane', flags },
  ],
  run: onControlPlane(name, join),
};

async function join(ctx: JoinContext, node: ControlPlaneContext, parts: readonly string[]): Promise<PhaseOutcome> {
  const outcomes: PhaseOutcome[] = [];
  if (parts.includes('etcd')) outcomes.push(await etcdLate(ctx, node));
  if (parts.includes('mark-control-plane')) outcomes.push(await mark(node));
  return together(outcomes);
}

/** Where the kubelet talks to the cluster's API servers, it joins before etcd does (until 1.34, by gate from 1.31). */
async function etcdLate(ctx: JoinContext, node: ControlPlaneContext): Promise<PhaseOutcome> {
  const { version, featureGates } = node.spec.cluster;
  if (!kubeletUsesLocalApiServer(version, featureGates)) return joinEtcd(ctx, node);
  step(node, name, 'etcd joined before the kubelet did');
  return 'unchanged';
}

async function mark(node: ControlPlaneContext): Promise<PhaseOutcome> {
  const api = await openAdmin(node, 'shared');
  try {
    return await markNode(node, api);
  } finally {
    api.close();
  }
}
