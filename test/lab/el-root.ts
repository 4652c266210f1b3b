/** Owns the roots that imitate a CentOS: Debian under other names, with dnf, rpm's database, firewalld, chrony and SELinux' tools. */
import { mkdir, readFile, rm, symlink } from 'node:fs/promises';
import { release as kernelRelease } from 'node:os';
import { join } from 'node:path';
import { kernelCures } from './bare-root.ts';
import { stepDir, type Step } from './cache.ts';
import {
  commonFiles,
  finishRoot,
  idleTimers,
  labFiles,
  linkTree,
  maskedUnits,
  placeFiles,
  replaceFile,
  unitFolder,
  type PlacedFile,
} from './debian.ts';
import { elReleases, type ElName, type ElRelease } from './el-releases.ts';
import { inRoot } from './in-root.ts';
import { debianEl, releaseRepositories, repositoryFolder } from './rpm-repositories.ts';

const files: readonly PlacedFile[] = [
  ...commonFiles,
  ...kernelCures,
  ['el/chronyd.service', `${unitFolder}/chronyd.service`],
  ['el/chrony.conf', 'etc/chrony.conf'],
  ['el/selinux-config', 'etc/selinux/config'],
  ['el/fstab', 'etc/fstab'],
  ['el/default-disable.preset', 'usr/lib/systemd/system-preset/99-default-disable.preset'],
  ['el/rpm-macros', 'etc/rpm/macros'],
  ['el/dnf.conf', 'etc/dnf/dnf.conf'],
  ['el/dnf-local.conf', 'etc/dnf/plugins/local.conf'],
  ['el/public.xml', 'etc/firewalld/zones/public.xml'],
];
const texts = await labFiles(files);

// Not on a CentOS, or only there once a package of that name is installed.
const removed = (
  'usr/bin/apt usr/bin/apt-get usr/bin/apt-cache usr/bin/apt-config usr/bin/apt-mark usr/bin/apt-key usr/bin/dpkg ' +
  'usr/bin/dpkg-query usr/bin/dpkg-deb usr/bin/dpkg-split usr/bin/dpkg-trigger etc/apt etc/debian_version etc/init.d ' +
  'usr/bin/rpmbuild usr/bin/createrepo_c usr/bin/mergerepo_c usr/bin/modifyrepo_c usr/bin/sqliterepo_c ' +
  'usr/sbin/conntrack usr/bin/socat usr/sbin/ethtool usr/sbin/tc usr/sbin/haproxy etc/haproxy etc/default/haproxy ' +
  'usr/lib/systemd/system/haproxy.service usr/lib/systemd/system/chrony.service etc/chrony etc/dnf/dnf-strict.conf ' +
  'etc/systemd/system/multi-user.target.wants/haproxy.service etc/systemd/system/multi-user.target.wants/chrony.service ' +
  'etc/systemd/system/chronyd.service etc/systemd/system/sshd.service ' +
  'etc/systemd/system/multi-user.target.wants/ssh.service'
).split(' ');
const enabled = ['lab-network.service', 'sshd.service', 'firewalld.service', 'chronyd.service'];
const units = { enabled, disabled: idleTimers };

/** The root of hosts that imitate that release. */
export function elRoot(name: ElName): Step {
  const release = elReleases[name];
  const repositories = releaseRepositories(name);
  const inputs = [
    release,
    removedFrom(release),
    units,
    maskedUnits,
    files,
    kernelRelease(),
    repositoryFile(release),
    2,
  ];
  return {
    name: `${name}-root`,
    inputs: [...texts, JSON.stringify(inputs)],
    needs: [debianEl, repositories],
    lane: 'disk',
    build: async (dir) => {
      await linkTree(debianEl, dir);
      await renameUnits(dir);
      for (const path of removedFrom(release)) await rm(join(dir, path), { recursive: true, force: true });
      await placeFiles(dir, files, texts);
      // In containerd 1.x a section of an imported file takes the place of the whole, so that nothing else would be seen.
      if (release.containerd === 1) await rm(join(dir, 'etc/containerd'), { recursive: true });
      await placeNames(dir, release);
      await finishRoot(dir, units);
      await fillDatabase(dir, repositories);
    },
  };
}

/** Up to CentOS 7 tc is part of iproute, which every installation has. */
function removedFrom({ major }: ElRelease): readonly string[] {
  return major === '7' ? removed.filter((path) => path !== 'usr/sbin/tc') : removed;
}

/** Debian's sshd unit under the name that it has here. */
async function renameUnits(dir: string): Promise<void> {
  const ssh = join(dir, unitFolder, 'ssh.service');
  const text = await readFile(ssh, 'utf8');
  await rm(ssh);
  await replaceFile(join(dir, unitFolder, 'sshd.service'), text.replace('Alias=sshd.service\n', ''));
}

async function placeNames(dir: string, release: ElRelease): Promise<void> {
  const osRelease = Object.entries(release.osRelease).map(([name, value]) => `${name}="${value}"\n`);
  await replaceFile(join(dir, 'usr/lib/os-release'), osRelease.join(''));
  await replaceFile(join(dir, 'etc', release.releaseFile), `${release.releaseLine}\n`);
  for (const name of ['redhat-release', 'system-release']) await symlink(release.releaseFile, join(dir, 'etc', name));
  const repositories = join(dir, 'etc/yum.repos.d');
  await replaceFile(join(repositories, `${release.osRelease['ID']}-base.repo`), repositoryFile(release));
  await symlink('dnf/dnf.conf', join(dir, 'etc/yum.conf'));
  await mkdir(join(dir, 'etc/sysconfig'), { recursive: true });
  await symlink('dnf-3', join(dir, 'usr/bin/yum'));
  if (!release.hasDnf) await rm(join(dir, 'usr/bin/dnf'));
}

function repositoryFile({ baseRepository, osRelease }: ElRelease): string {
  const location = `file://${repositoryFolder}/base`;
  return [
    `[${baseRepository}]`,
    `name=${osRelease['NAME']} - Base`,
    `baseurl=${location}`,
    'enabled=1',
    'gpgcheck=1',
    `gpgkey=${location}/repodata/repomd.xml.key`,
    '',
  ].join('\n');
}

/** Tells rpm what is installed, without a file of it. */
async function fillDatabase(dir: string, repositories: Step): Promise<void> {
  const script = `
mkdir -p /var/lib/rpm
rpm --import /tmp/packages/base/repodata/repomd.xml.key
rpm -i --justdb --nodeps --noscripts /tmp/packages/installed/*.rpm`;
  await inRoot(dir, script, { packages: stepDir(repositories) });
}
