// CRI and ContainerRuntimeVersion: the container runtime answers, and is new enough.
import { error, warning, type Check, type Finding } from '../check.ts';
import type { Runtime } from '../survey.ts';

const fix = 'start the container runtime, or name the right socket in nodeRegistration.criSocket or --cri-socket';

/** Why the runtime can't be used; undefined when nothing speaks against it. */
function complaint(runtime: Runtime): string | undefined {
  if (runtime.socket === 'missing') return 'does not exist';
  if (runtime.socket === 'not-a-socket') return 'is not a socket';
  switch (runtime.state) {
    case 'ready':
      return undefined;
    case 'not-ready':
      return `answers, but the runtime is not ready: ${runtime.message ?? 'no reason given'}`;
    case 'silent':
      return `does not answer: ${runtime.message ?? ''}`;
    case 'unknown':
      // With no tool to speak the CRI, a listener is all that can be asked for.
      return runtime.socket === 'stale' ? 'is stale: no process listens on it' : undefined;
    default:
      return runtime.state satisfies never;
  }
}

/** The CRI socket answers and RuntimeReady is true; NetworkReady is not asked (spec 03 §4 #1). */
export function cri(criSocket: string): Check {
  return {
    name: 'CRI',
    asks: { criSocket },
    run({ survey }): readonly Finding[] {
      const found = survey.runtime === undefined ? undefined : complaint(survey.runtime);
      return found === undefined ? [] : [error('CRI', `${criSocket} ${found}`, runtimeFix(survey.runtime))];
    },
  };
}

function runtimeFix(runtime: Runtime | undefined): string {
  if (runtime?.tool === 'ctr' && runtime.message?.includes('CRI plugin')) {
    return 'take "cri" out of disabled_plugins in /etc/containerd/config.toml and restart containerd';
  }
  return fix;
}

/** The runtime knows the RuntimeConfig call; no finding where it can't be known (spec 03 §4 #2). */
export function containerRuntimeVersion(criSocket: string): Check {
  const name = 'ContainerRuntimeVersion';
  return {
    name,
    asks: { criSocket },
    run: ({ survey }) =>
      survey.runtime?.hasRuntimeConfig === false
        ? [
            warning(
              name,
              'the container runtime has no RuntimeConfig call, so the kubelet cannot learn its cgroup driver from it',
              'upgrade the runtime (containerd 2.0 or CRI-O 1.28 at least); kubelets from 1.37 on will need it',
            ),
          ]
        : [],
  };
}
