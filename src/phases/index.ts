// The phases in their order. The order of init is the user's, for every Kubernetes version.
import type { Phase } from '../workflow/phase.ts';
import { addons } from './addons.ts';
import { bootstrapToken } from './bootstrap-token.ts';
import { certs } from './certs.ts';
import type { InitContext } from './context.ts';
import type { JoinContext } from './join/context.ts';
import { controlPlane } from './control-plane.ts';
import { etcd } from './etcd.ts';
import { checkEtcd } from './join/check-etcd.ts';
import { controlPlaneJoin } from './join/control-plane-join.ts';
import { controlPlanePrepare } from './join/control-plane-prepare.ts';
import { etcdJoin } from './join/etcd-join.ts';
import { joinKubeletStart } from './join/kubelet-start.ts';
import { kubeletWaitBootstrap } from './join/kubelet-wait-bootstrap.ts';
import { joinPreflight } from './join/preflight.ts';
import { joinWaitControlPlane } from './join/wait-control-plane.ts';
import { kubeconfig } from './kubeconfig.ts';
import { kubeletFinalize } from './kubelet-finalize.ts';
import { kubeletStart } from './kubelet-start.ts';
import { markControlPlane } from './mark-control-plane.ts';
import { preflight } from './preflight.ts';
import { cleanupNode } from './reset/cleanup-node.ts';
import type { ResetContext } from './reset/context.ts';
import { resetPreflight } from './reset/preflight.ts';
import { removeEtcdMember } from './reset/remove-etcd-member.ts';
import { showJoin } from './show-join.ts';
import { uploadCerts } from './upload-certs.ts';
import { uploadConfig } from './upload-config.ts';
import { wait } from './wait.ts';

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
