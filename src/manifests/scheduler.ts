// The static Pod of kube-scheduler (spec 04 §3.6).
import { kubernetesImage } from '../kube/images.ts';
import { paths } from '../kube/paths.ts';
import { schedulerHasReadyz } from '../kube/traits.ts';
import { composeArguments, lastArgument } from './arguments.ts';
import type { KubeObject } from './object.ts';
import {
  environment,
  isWildcard,
  type PodContext,
  type ProbeTarget,
  samePath,
  staticPod,
  withExtraVolumes,
} from './pod.ts';

/** kube-scheduler's static Pod. */
export function schedulerPod(ctx: PodContext): KubeObject {
  const { cluster } = ctx;
  return staticPod(ctx, {
    name: 'kube-scheduler',
    image: kubernetesImage(cluster, 'kube-scheduler'),
    command: ['kube-scheduler', ...composeArguments(defaults, cluster.scheduler.extraArgs, cluster.version)],
    env: environment(ctx, cluster.scheduler),
    requests: { cpu: '100m' },
    probes: probes(ctx),
    volumes: withExtraVolumes([samePath('kubeconfig', paths.schedulerConf, 'FileOrCreate', true)], cluster.scheduler),
  });
}

const defaults = {
  'authentication-kubeconfig': paths.schedulerConf,
  'authorization-kubeconfig': paths.schedulerConf,
  'bind-address': '127.0.0.1',
  kubeconfig: paths.schedulerConf,
  'leader-elect': 'true',
};

function probes(ctx: PodContext): ProbeTarget {
  const bindAddress = lastArgument(ctx.cluster.scheduler.extraArgs, 'bind-address') ?? '127.0.0.1';
  const target = { scheme: 'HTTPS', host: isWildcard(bindAddress) ? '' : bindAddress, port: 10259 } as const;
  return schedulerHasReadyz(ctx.cluster.version)
    ? { ...target, liveness: '/livez', readiness: '/readyz', startup: '/livez' }
    : { ...target, liveness: '/healthz', startup: '/healthz' };
}
