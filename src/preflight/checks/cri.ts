// CRI and ContainerRuntimeVersion: the container runtime answers, and is new enough.
import { hasCriV1, lacksCri, serveCri } from '../../kube/cri.ts';
import { parseVersion } from '../../kube/version.ts';
import { error, warning, type Check, type Finding } from '../check.ts';
import type { Runtime } from '../runtime-parse.ts';

const fix = 'start the container runtime, or name the right socket in nodeRegistration.criSocket or --cri-socket';

/** Why the runtime can't be used; undefined when nothing speaks against it. */
function complaint(runtime: Runtime): string | undefined {
  if (runtime.socket === 'missing') return 'does not exist';
  if (runtime.socket === 'not-a-socket') return 'is not a socket';
  const { disabled = [], version } = runtime.withoutCri ?? {};
  if (disabled.length > 0) {
    const where = disabled.map(({ file, names }) => `disabled_plugins in ${file} has ${names.join(', ')}`);
    return `answers, but containerd does not serve the CRI there, because its CRI plugin is disabled: ${where.join('; ')}`;
  }
  if (isTooOld(version)) return `answers, but containerd ${version} has no CRI v1`;
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
  if (runtime?.withoutCri === undefined) return lacksCri.test(runtime?.message ?? '') ? serveCri : fix;
  const { disabled, version, plugin } = runtime.withoutCri;
  if (disabled.length > 0) {
    const names = [...new Set(disabled.flatMap((one) => one.names))].map((name) => `"${name}"`);
    const files = disabled.map(({ file }) => file);
    return `remove ${names.join(', ')} from disabled_plugins in ${files.join(', ')}, then run \`systemctl restart containerd\``;
  }
  if (isTooOld(version)) return 'upgrade containerd to 1.6 at least';
  if (plugin === undefined || plugin === 'ok' || plugin === 'missing') return serveCri;
  return 'fix the error shown by `ctr plugins ls -d id==cri` and `journalctl -u containerd`, then run `systemctl restart containerd`';
}

function isTooOld(containerd: string | undefined): boolean {
  const version = containerd === undefined ? undefined : parseVersion(containerd);
  return version !== undefined && !hasCriV1(version);
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
