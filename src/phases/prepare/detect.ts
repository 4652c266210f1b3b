// Host prepare, phase detect: what system the host has, and whether this Kubernetes can run there.
import { KbError } from '../../errors.ts';
import { kubeletRefusesCgroupV1 } from '../../kube/skew.ts';
import { oldestVersion } from '../../kube/releases.ts';
import { formatVersion } from '../../kube/version.ts';
import { planContainerd } from '../../prepare/containerd.ts';
import { distroOf, refusal, type Distro } from '../../prepare/distro.ts';
import { missingKey } from '../../prepare/repositories.ts';
import type { HostState } from '../../prepare/state.ts';
import type { Phase, PhaseOutcome } from '../../workflow/phase.ts';
import { step, warn } from '../context.ts';
import { stateOf, type PrepareContext } from './context.ts';

export const detect: Phase<PrepareContext> = {
  name: 'detect',
  summary: 'Detect the operating system',
  flags: ['kubernetes-version', 'repository', 'repository-key', 'unsigned-repository', 'binaries'],
  run: look,
};

async function look(ctx: PrepareContext): Promise<PhaseOutcome> {
  const state = await stateOf(ctx);
  const distro = knownDistro(ctx.host.name, state);
  const { version } = ctx.spec;
  const why = refusal(distro, version);
  if (why !== undefined) {
    throw new KbError({
      code: 'KB_PREPARE_OS',
      summary: 'this system is too old for this Kubernetes',
      host: ctx.host.name,
      detail: why,
      fix: `give --kubernetes-version 1.31 or older (down to ${formatVersion(oldestVersion())}), or a host with Rocky Linux 9 or the like`,
    });
  }
  const key = ctx.spec.skipPhases.includes('packages') ? undefined : missingKey(state, ctx.spec, distro);
  if (key !== undefined) throw noKey(ctx.host.name, distro, key);
  const driver = ctx.spec.skipPhases.includes('containerd') ? undefined : planContainerd(state, ctx.spec).refusal;
  if (driver !== undefined) throw new KbError({ ...driver, host: ctx.host.name });
  step(
    ctx,
    'detect',
    `${distro.name}, kernel ${state.kernel}, ${state.architecture}, cgroup v${state.cgroupVersion}, SELinux ${state.selinux}`,
  );
  if (state.cgroupVersion === 1 && kubeletRefusesCgroupV1(version)) {
    warn(
      ctx,
      'detect',
      `the host has cgroup v1: a kubelet ${formatVersion(version)} starts there only with failCgroupV1: false`,
    );
  }
  return 'unchanged';
}

function noKey(host: string, { name }: Distro, url: string): KbError {
  return new KbError({
    code: 'KB_CONFIG',
    summary: 'invalid command line',
    host,
    detail: `--repository-key is missing: ${name} installs nothing from a repository without its key`,
    fix: `download ${url} over a trusted connection and pass it with --repository-key, or use --unsigned-repository`,
  });
}

/** @throws KbError KB_PREPARE_OS */
function knownDistro(host: string, state: HostState): Distro {
  const distro = distroOf(state);
  if (!('unknown' in distro)) return distro;
  throw new KbError({
    code: 'KB_PREPARE_OS',
    summary: 'kbinit does not know how to prepare this system',
    host,
    detail: `/etc/os-release has ${distro.unknown === '' ? 'nothing' : distro.unknown}`,
    fix: 'use CentOS 7, CentOS Stream, Rocky Linux, AlmaLinux or RHEL 8 to 10, Debian or Ubuntu; or prepare the host by hand',
  });
}
