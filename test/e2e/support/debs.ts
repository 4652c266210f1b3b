// Debian packages that the lab's hosts do not have, or had: fetched once into the lab's cache, then given to a host.
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { labCacheDir, type Lab } from '../../lab/lab.ts';
import { mustRun, run } from '../../lab/run.ts';
import { inHost } from './host.ts';

/** What these need beyond a lab host's own packages. */
const needs: Readonly<Record<string, readonly string[]>> = {
  haproxy: ['haproxy'],
  keepalived: [
    'keepalived',
    'libglib2.0-0',
    'libnl-3-200',
    'libnl-genl-3-200',
    'libnl-route-3-200',
    'libpci3',
    'libperl5.36',
    'libsensors5',
    'libsnmp-base',
    'libsnmp40',
  ],
  // Without polkitd, which only users who are not root would be asked by.
  'network-manager': (
    'network-manager libnm0 libbluetooth3 libcurl3-gnutls libbrotli1 libldap-2.5-0 libnghttp2-14 libpsl5 librtmp1 ' +
    'libssh2-1 libsasl2-2 libsasl2-modules-db libglib2.0-0 libjansson4 libmm-glib0 libndp0 libnewt0.52 libslang2 ' +
    'libpolkit-gobject-1-0 libpolkit-agent-1-0 libreadline8 readline-common libteamdctl0 udev'
  ).split(' '),
};

/** A folder of the cache with the .deb files of a package and of what it needs. */
async function fetched(package_: string): Promise<string> {
  const names = needs[package_] ?? [package_];
  const hash = createHash('sha256').update(names.join(' ')).digest('hex').slice(0, 12);
  const folder = join(labCacheDir(), `debs-${package_}-${hash}`);
  const isThere = await stat(folder).then(
    () => true,
    () => false,
  );
  if (isThere) return folder;
  await mkdir(labCacheDir(), { recursive: true });
  const beside = await mkdtemp(`${folder}-`);
  try {
    const download = (): ReturnType<typeof run> => run('apt-get', ['download', '-qq', ...names], { cwd: beside });
    if ((await download()).code !== 0) {
      await mustRun('apt-get', ['update', '-qq']);
      await mustRun('apt-get', ['download', '-qq', ...names], { cwd: beside });
    }
    await rename(beside, folder);
  } finally {
    await rm(beside, { recursive: true, force: true });
  }
  return folder;
}

async function give(lab: Lab, host: string, package_: string, folder: string): Promise<void> {
  const from = await fetched(package_);
  for (const file of await readdir(from)) await lab.copyTo(host, join(from, file), `${folder}/${file}`);
}

/** Where a host's own repository is. */
const repository = '/srv/packages';

/** Make packages known to the host's apt, from a repository on its own disk. */
export async function offerPackages(lab: Lab, host: string, names: readonly string[]): Promise<void> {
  for (const name of names) await give(lab, host, name, repository);
  await indexPackages(lab, host);
}

/** Make the .deb files in the host's repository known to its apt, and nothing else. */
export async function indexPackages(lab: Lab, host: string): Promise<void> {
  await inHost(
    lab,
    host,
    `cd ${repository}
     for file in *.deb; do
       dpkg-deb -f "$file"
       printf 'Filename: ./%s\\nSize: %s\\nSHA256: %s\\n\\n' "$file" "$(stat -c %s "$file")" "$(sha256sum "$file" | cut -d ' ' -f 1)"
     done >Packages
     rm -f /etc/apt/sources.list.d/*
     echo 'deb [trusted=yes] file:${repository} ./' >/etc/apt/sources.list`,
  );
}

/** Put packages into the host without any repository. */
export async function installPackages(lab: Lab, host: string, names: readonly string[]): Promise<void> {
  const folder = '/root/packages';
  for (const name of names) await give(lab, host, name, folder);
  await inHost(
    lab,
    host,
    `dpkg -i --force-depends ${folder}/*.deb >/dev/null 2>&1 || { dpkg -i ${folder}/*.deb; exit 1; }`,
  );
}
