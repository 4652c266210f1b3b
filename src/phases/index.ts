// The phases in their order. The order of init is the user's, for every Kubernetes version.
import type { Phase } from '../workflow/phase.ts';
import { addons } from './init/addons.ts';
import { bootstrapToken } from './init/bootstrap-token.ts';
import { certs } from './init/certs.ts';
import type { InitContext } from './context.ts';
import type { JoinContext } from './join/context.ts';
import { controlPlane } from './init/control-plane.ts';
import { etcd } from './init/etcd.ts';
import { checkEtcd } from './join/check-etcd.ts';
import { controlPlaneJoin } from './join/control-plane-join.ts';
import { controlPlanePrepare } from './join/control-plane-prepare.ts';
import { etcdJoin } from './join/etcd-join.ts';
import { joinKubeletStart } from './join/kubelet-start.ts';
import { kubeletWaitBootstrap } from './join/kubelet-wait-bootstrap.ts';
import { joinPreflight } from './join/preflight.ts';
import { joinWaitControlPlane } from './join/wait-control-plane.ts';
import { kubeconfig } from './init/kubeconfig.ts';
import { kubeletFinalize } from './init/kubelet-finalize.ts';
import { kubeletStart } from './init/kubelet-start.ts';
import { markControlPlane } from './init/mark-control-plane.ts';
import { preflight } from './init/preflight.ts';
import { cleanupNode } from './reset/cleanup-node.ts';
import type { ResetContext } from './reset/context.ts';
import { resetPreflight } from './reset/preflight.ts';
import { removeEtcdMember } from './reset/remove-etcd-member.ts';
import { showJoin } from './init/show-join.ts';
import { uploadCerts } from './init/upload-certs.ts';
import { uploadConfig } from './init/upload-config.ts';
import { wait } from './init/wait.ts';

export const initPhases: readonly Phase<InitContext>[] = [
  preflight,
  certs,
  kubeconfig,
  kubeletStart,
  controlPlane,
  etcd,
  wait,
  uploadConfig,
  uploadCerts,
  markControlPlane,
  bootstrapToken,
  kubeletFinalize,
  addons,
  showJoin,
];

export const joinPhases: readonly Phase<JoinContext>[] = [
  joinPreflight,
  controlPlanePrepare,
  checkEtcd,
  joinKubeletStart,
  etcdJoin,
  kubeletWaitBootstrap,
  controlPlaneJoin,
  joinWaitControlPlane,
];

export const resetPhases: readonly Phase<ResetContext>[] = [resetPreflight, removeEtcdMember, cleanupNode];
