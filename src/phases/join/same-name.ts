// Join: the node that has this host's name already: a living one is never touched, a dead one goes only with --replace.
import type { KubeObject, ObjectRef } from '../../cluster/types.ts';
import { KbError } from '../../errors.ts';
import { isJsonObject } from '../../util/json.ts';
import { step } from '../context.ts';
import type { JoinContext } from './context.ts';
import { controlPlaneLabel, isReady } from '../cluster/node.ts';
import { discover } from './discovery.ts';
import { readEarlierJoin } from './previous-run.ts';

/**
 * Refuse a name that another node has, before anything is written (kubeadm#1711, k/k#79779).
 * @throws KbError KB_NODE_NAME_TAKEN, KB_NODE_REPLACE
 */
export async function refuseTakenName(ctx: JoinContext): Promise<void> {
  const node = await otherNode(ctx);
  if (node === undefined) return;
  const refusal = refusalOf(ctx, node);
  if (refusal !== undefined) throw taken(ctx, refusal);
  if (ctx.settings.replace?.admin === undefined && (await isBootstrapToken(ctx))) throw mayNot(ctx);
}

/**
 * With --replace, delete the dead node of this name: its kubelet's successor registers anew, without its labels, taints
 * and Pods. @throws KbError KB_NODE_NAME_TAKEN, KB_API_FORBIDDEN
 */
export async function replaceNode(ctx: JoinContext): Promise<void> {
  const { replace } = ctx.settings;
  if (replace === undefined) return;
  const node = await otherNode(ctx);
  if (node === undefined) return;
  const { name } = ctx.spec.node;
  const api = (await replace.admin?.()) ?? (await discover(ctx)).api;
  try {
    const member = (await api.get(etcdPod(name))) === undefined ? undefined : ofEtcd(name);
    const refusal = refusalOf(ctx, node) ?? member;
    if (refusal !== undefined) throw taken(ctx, refusal);
    step(ctx, 'kubelet-start', `deleting node ${name}, which is not Ready: this host takes its place`);
    const { uid } = node.metadata;
    await api.remove(nodeRef(name), uid === undefined ? {} : { uid });
  } finally {
    if (replace.admin !== undefined) api.close();
  }
}

/**
 * The node of this name, where it is not this host's own: one that this very join has registered, or that the host was
 * before it was reset. A reset takes no Node object away, and kubeadm too goes on with it.
 */
async function otherNode(ctx: JoinContext): Promise<KubeObject | undefined> {
  const { api, isAssumed = false } = await discover(ctx);
  if (isAssumed || (await readEarlierJoin(ctx)).isJoined) return undefined;
  const [node, { machineId }] = await Promise.all([api.get(nodeRef(ctx.spec.node.name)), ctx.host.facts()]);
  const isSameMachine = machineId !== '' && machineIdOf(node) === machineId;
  return isSameMachine && !isReady(node) ? undefined : node;
}

interface Refusal {
  readonly summary: string;
  readonly detail: string;
  readonly fix: string;
}

/** Why a node of this name stays; undefined where --replace may take it. */
function refusalOf(ctx: JoinContext, node: KubeObject): Refusal | undefined {
  const { name } = node.metadata;
  if (isReady(node)) {
    return {
      summary: `a node named ${name} is in the cluster already, and Ready`,
      detail: `Node ${name} reports Ready; this host has not joined`,
      fix: `give this host another name (--node-name), or take the old node out first (\`kbinit node remove ${name} --host root@CONTROL_PLANE\`)`,
    };
  }
  if (node.metadata.labels?.[controlPlaneLabel] !== undefined) return ofControlPlane(name);
  if (ctx.settings.replace !== undefined) return undefined;
  return {
    summary: `a node named ${name} is in the cluster already, and not Ready`,
    detail: `Node ${name} is another machine (${machineIdOf(node) ?? 'its machine-id is not known'}) that does not report Ready: it may come back`,
    fix: 'when it will not come back, give --replace: its Node object is deleted, and this host takes its place; otherwise give this host another name (--node-name)',
  };
}

/** Behind it are an etcd member and its vote, which deleting a Node object would leave. */
function ofControlPlane(name: string): Refusal {
  return {
    summary: `the control plane ${name} is in the cluster already, and not Ready`,
    detail: `Node ${name} has the label ${controlPlaneLabel}; --replace is for workers`,
    fix: `take it out with its etcd member first, through a control plane: \`kbinit node remove ${name} --host root@CONTROL_PLANE\``,
  };
}

function ofEtcd(name: string): Refusal {
  return {
    summary: `an etcd member runs on the node ${name}, which is not Ready`,
    detail: `Pod kube-system/etcd-${name} exists; --replace is for workers`,
    fix: `take the node out with its etcd member first, through a control plane: \`kbinit node remove ${name} --host root@CONTROL_PLANE\``,
  };
}

function taken(ctx: JoinContext, refusal: Refusal): KbError {
  return new KbError({ code: 'KB_NODE_NAME_TAKEN', host: ctx.host.name, ...refusal });
}

/** Bootstrap tokens read nodes and delete none (ClusterRole kubeadm:get-nodes). */
function mayNot(ctx: JoinContext): KbError {
  const { name } = ctx.spec.node;
  return new KbError({
    code: 'KB_NODE_REPLACE',
    summary: `this join may not delete the old node ${name}`,
    host: ctx.host.name,
    detail: 'it is known to the cluster by a bootstrap token, which may read nodes but delete none',
    fix: 'name a control plane that is reached over SSH, --admin-host [user@]address: its admin.conf is used; or delete the node first (`kbinit node remove NAME --host root@CONTROL_PLANE`)',
  });
}

async function isBootstrapToken(ctx: JoinContext): Promise<boolean> {
  const { token = '' } = (await discover(ctx)).credentials;
  return /^[a-z0-9]{6}\.[a-z0-9]{16}$/.test(token);
}

function machineIdOf(node: KubeObject | undefined): string | undefined {
  const status = node?.['status'];
  const machine = isJsonObject(status) ? status['nodeInfo'] : undefined;
  const id = isJsonObject(machine) ? machine['machineID'] : undefined;
  return typeof id === 'string' && id !== '' ? id : undefined;
}

function nodeRef(name: string): ObjectRef {
  return { apiVersion: 'v1', kind: 'Node', name };
}

function etcdPod(name: string): ObjectRef {
  return { apiVersion: 'v1', kind: 'Pod', namespace: 'kube-system', name: `etcd-${name}` };
}
