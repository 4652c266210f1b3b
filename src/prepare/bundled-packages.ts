// Packages of a bundle: installed as files, with no repository asked, only where the host lacks what they bring.
import { script, sh } from '../host/shell.ts';
import { mebibytes, staged, type Plan } from './action.ts';
import { clockUnits } from './clock.ts';
import type { Distro } from './distro.ts';
import { places } from './places.ts';
import { installationEntries, recorded } from './recorded.ts';
import type { BundledPackage, Offline } from './spec.ts';
import type { HostState } from './state.ts';
import { wantedTools, type WantedTools } from './tools.ts';

/** Install what is missing, with everything that came along for it. */
export function planBundledPackages(state: HostState, { packages }: Offline, distro: Distro): Plan {
  const tools = wantedTools(state, distro);
  const all = packagesFor(state, packages, distro);
  const names = new Set(all.map(({ name }) => name));
  const missing = tools.wanted.filter((name) => !names.has(name));
  // That nothing keeps the clock is told by the phase time.
  const told = missing.filter((name) => name !== 'chrony');
  const warnings =
    told.length === 0 ? [] : [`${told.join(', ')}: neither on the host nor in the bundle for ${distro.name}`];
  if (missing.length === tools.wanted.length) return { actions: [], warnings };
  const files = all.filter((one) => isComing(state, tools, one));
  const paths = files.map(({ file }) => `${places.staging}/${file}`);
  const kind = distro.family === 'debian' ? 'dpkg' : 'rpm';
  const units = files.some(({ name }) => name === 'chrony') ? clockUnits(distro) : [];
  const install = recorded(kind, paths, kind === 'dpkg' ? apt : dnf);
  return {
    actions: [
      {
        kind: 'command',
        // Files that were taken, and those that were refused, are gone in any case.
        command: sh`( ${install} )\nrc=$?\nrm -f -- ${paths}\nrmdir --ignore-fail-on-non-empty -- ${places.staging}\nexit $rc`,
        why: `install ${files.map(({ name }) => name).join(' ')} (${mebibytes(files)} of the bundle)`,
        before: installationEntries(state, kind, units),
        io: {
          timeoutSeconds: 1800,
          shown: kind === 'dpkg' ? sh`apt-get install ${paths}`.text : sh`dnf install '--disablerepo=*' ${paths}`.text,
        },
        uploads: files.map((one) => staged(one.file, one)),
      },
    ],
    warnings,
  };
}

/** Those of this very system, else those of its format. */
function packagesFor(
  { osRelease }: HostState,
  packages: readonly BundledPackage[],
  { family, id, release }: Distro,
): readonly BundledPackage[] {
  const isDebian = family === 'debian';
  const own = isDebian ? `${id}-${osRelease['VERSION_ID'] ?? ''}` : `el${release}`;
  const [first = [], second = []] = [own, isDebian ? 'deb' : 'rpm'].map((system) =>
    packages.filter((one) => one.system === system),
  );
  return first.length > 0 ? first : second;
}

/** Not what is there, and no tool that nobody lacks; what is left are the tools and what they need. */
function isComing({ packages }: HostState, { known, wanted }: WantedTools, { name }: BundledPackage): boolean {
  return !packages.has(name) && (wanted.includes(name) || !known.has(name));
}

// Nobody is asked for anything: what these files need and is not there is an error, and then none of them is installed.
const apt = script`
export DEBIAN_FRONTEND=noninteractive
apt-get install -y -q --no-install-recommends -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts=/dev/null \
  -o APT::Sandbox::User=root -o DPkg::Lock::Timeout=120 -o Dpkg::Options::=--force-confold "$@"
`;

const dnf = script`
manager=$(command -v dnf || command -v yum) || { echo 'neither dnf nor yum is there'; exit 1; }
weak=
case $manager in */dnf) weak=--setopt=install_weak_deps=False ;; esac
"$manager" install -y -q $weak --disablerepo='*' --disableexcludes=all "$@"
`;
