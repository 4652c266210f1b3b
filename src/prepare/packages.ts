// Packages of the host's system: which ones, how they are installed, pinned and removed again.
import { script, sh, type Shell } from '../host/shell.ts';
import { formatRelease } from '../kube/version.ts';
import { nothing, type Action, type Plan } from './action.ts';
import { planBundledPackages } from './bundled-packages.ts';
import { clockUnits } from './clock.ts';
import { distroOf, type Distro } from './distro.ts';
import { runsNoPods } from './kernel.ts';
import { installationEntries, recorded } from './recorded.ts';
import type { PrepareSpec } from './spec.ts';
import type { HostState } from './state.ts';
import { lacksPolicy, packageOf, tools, wantedTools } from './tools.ts';

/** Kubernetes' own, which are never to move by an update of the system. */
export const pinned: readonly string[] = ['kubelet', 'kubeadm', 'kubectl', 'cri-tools', 'kubernetes-cni'];

/** What the survey asks about. */
export const knownPrograms: readonly string[] = [...tools.map(({ program }) => program), 'dnf', 'yum', 'apt-get'];
export const knownPackages: readonly string[] = [
  ...pinned,
  'containerd',
  'containerd.io',
  'container-selinux',
  'chrony',
];

/** Install what is missing. */
export function planPackages(state: HostState, spec: PrepareSpec): Plan {
  const distro = distroOf(state);
  if ('unknown' in distro || runsNoPods(spec)) return nothing;
  if (spec.source.kind === 'binaries') {
    const { offline } = spec.source;
    if (offline !== undefined) return planBundledPackages(state, offline, distro);
    return { actions: [], warnings: missingTools(state, distro) };
  }
  const missing = wantedPackages(state, spec, distro).filter(({ name }) => !state.packages.has(name));
  const isDebian = distro.family === 'debian';
  return {
    actions: [
      ...(missing.length === 0
        ? []
        : [
            installation(
              state,
              distro,
              missing.map(({ word }) => word),
            ),
          ]),
      ...(isDebian
        ? holds(
            state,
            missing.map(({ name }) => name),
          )
        : []),
    ],
    warnings: otherVersions(state, spec),
  };
}

interface Wanted {
  readonly name: string;
  /** With the version, where it matters. */
  readonly word: string;
}

function wantedPackages(state: HostState, spec: PrepareSpec, distro: Distro): readonly Wanted[] {
  const version = formatRelease(spec.version).replace(/^v/, '');
  const isDebian = distro.family === 'debian';
  const at = (name: string): Wanted => ({ name, word: isDebian ? `${name}=${version}-*` : `${name}-${version}` });
  const plain = (name: string): Wanted => ({ name, word: name });
  const hasOther = state.packages.has('containerd') || state.packages.has('containerd.io');
  // Docker's repository has it under its own name; Debian's own containerd will do for Kubernetes up to 1.35.
  const containerd = isDebian && !isDockers(spec) ? 'containerd' : 'containerd.io';
  return [
    at('kubelet'),
    at('kubectl'),
    plain('cri-tools'),
    plain('kubernetes-cni'),
    ...(hasOther ? [] : [plain(containerd)]),
    ...wantedTools(state, distro).wanted.map(plain),
  ];
}

function isDockers({ source }: PrepareSpec): boolean {
  return source.kind === 'packages' && source.repositories.urls.some((url) => url.includes('docker'));
}

// Nothing is upgraded that is there already, unless a package that is asked for wants it so.
const apt = script`
export DEBIAN_FRONTEND=noninteractive
apt-get update -q && apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=120 -o Dpkg::Options::=--force-confold "$@"
`;

const dnf = script`
manager=$(command -v dnf || command -v yum) || { echo 'neither dnf nor yum is there'; exit 1; }
weak=
case $manager in */dnf) weak=--setopt=install_weak_deps=False ;; esac
"$manager" install -y -q $weak --disableexcludes=all "$@" || exit 1
# CentOS 7's yum is content when it finds some of them.
for word do
  rpm -q --quiet "$word" || rpm -q --quiet --whatprovides "$word" || { echo "no repository of this host has $word"; exit 1; }
done
`;

function installation(state: HostState, distro: Distro, words: readonly string[]): Action {
  const isDebian = distro.family === 'debian';
  const units = ['containerd.service', 'kubelet.service', ...(words.includes('chrony') ? clockUnits(distro) : [])];
  const kind = isDebian ? 'dpkg' : 'rpm';
  return {
    kind: 'command',
    command: recorded(kind, words, isDebian ? apt : dnf),
    why: `install ${words.join(' ')}`,
    before: installationEntries(state, kind, units),
    hint: 'where it reaches no repository: --repository with the URL of a mirror, or --offline BUNDLE',
    io: { timeoutSeconds: 1800, shown: shownInstallation(state, isDebian, words) },
  };
}

/** The script does more only to know what came. */
function shownInstallation({ programs }: HostState, isDebian: boolean, words: readonly string[]): string {
  if (isDebian) return sh`apt-get update && apt-get install -y --no-install-recommends ${words}`.text;
  return programs.has('dnf')
    ? sh`dnf install -y --setopt=install_weak_deps=False --disableexcludes=all ${words}`.text
    : sh`yum install -y --disableexcludes=all ${words}`.text;
}

/** dpkg's own mark; rpm's family is held by the repository's file, which excludes them from every update. */
function holds(state: HostState, coming: readonly string[]): readonly Action[] {
  const loose = pinned.filter((name) => (state.packages.has(name) || coming.includes(name)) && !state.held.has(name));
  if (loose.length === 0) return [];
  return [
    {
      kind: 'command',
      command: sh`apt-mark hold ${loose} >/dev/null`,
      why: `hold ${loose.join(', ')} at their version`,
      before: [{ kind: 'hold', packages: loose }],
    },
  ];
}

/** A preparation is no upgrade. */
function otherVersions(state: HostState, { version }: PrepareSpec): readonly string[] {
  const wanted = formatRelease(version).replace(/^v/, '');
  return ['kubelet', 'kubectl'].flatMap((name) => {
    const found = state.packages.get(name);
    if (found === undefined || found === wanted || found.startsWith(`${wanted}-`)) return [];
    return [`${name} ${found} is installed and stays; ${wanted} was asked for`];
  });
}

/** What uploaded programs do not bring. */
function missingTools(state: HostState, distro: Distro): readonly string[] {
  const missing = tools.filter(({ program }) => !state.programs.has(program));
  const packages = missing.map((tool) => packageOf(tool, distro));
  return [
    ...(missing.length === 0
      ? []
      : [`${missing.map(({ program }) => program).join(', ')} are not there: install ${packages.join(' ')}`]),
    // containerd asks for its labels, which the kernel knows by that package only.
    ...(lacksPolicy(state, distro)
      ? ['SELinux is on and has no rules for containers: install container-selinux before init or join']
      : []),
  ];
}

/** Exactly the packages that came and are there still; what else needs them by now stops it. */
export function packageRemoval(manager: 'dpkg' | 'rpm', names: readonly string[]): Shell {
  return manager === 'dpkg' ? sh`set -- ${names}; ${purgeDebs}` : sh`set -- ${names}; ${eraseRpms}`;
}

// No package of Debian owns /opt: dpkg removes it with the last package that had something there.
const purgeDebs = script`
opt=$(stat -c %a /opt 2>/dev/null)
DEBIAN_FRONTEND=noninteractive dpkg --purge "$@" || exit 1
[ -z "$opt" ] || [ -d /opt ] || mkdir -m "$opt" /opt
`;

const eraseRpms = script`
there=
for name do ! rpm -q --quiet "$name" || there="$there $name"; done
[ -z "$there" ] || rpm -e $there
`;
