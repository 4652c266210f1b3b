// Login shells that the lab's hosts do not have: Debian's packages, unpacked once into the lab's cache.
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { labCacheDir, type Lab } from '../../lab/lab.ts';
import { mustRun, run } from '../../lab/run.ts';
import { inHost } from './host.ts';

// With what they need beyond a host's own packages.
const packages = ['zsh', 'zsh-common', 'tcsh', 'fish', 'fish-common', 'libpcre2-32-0'];

/** One archive with all of them. */
async function shellArchive(): Promise<string> {
  const archive = join(labCacheDir(), `shells-${packages.join('-')}.tar`);
  const isThere = await run('test', ['-s', archive]);
  if (isThere.code === 0) return archive;
  await mkdir(labCacheDir(), { recursive: true });
  const folder = await mkdtemp(join(labCacheDir(), 'shells-'));
  try {
    const download = (): ReturnType<typeof run> => run('apt-get', ['download', '-qq', ...packages], { cwd: folder });
    if ((await download()).code !== 0) {
      await mustRun('apt-get', ['update', '-qq']);
      const { code, stderr } = await download();
      if (code !== 0) throw new Error(`apt-get download: ${stderr}`);
    }
    for (const file of await readdir(folder)) {
      await mustRun('dpkg-deb', ['-x', join(folder, file), join(folder, 'root')]);
    }
    await mustRun('tar', ['-cf', join(folder, 'all.tar'), '-C', join(folder, 'root'), '.']);
    await rename(join(folder, 'all.tar'), archive);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return archive;
}

/** Put zsh, fish and tcsh into a host. */
export async function installShells(lab: Lab, host: string): Promise<void> {
  await lab.copyTo(host, await shellArchive(), '/root/shells.tar');
  // /bin is a link to /usr/bin there.
  await inHost(
    lab,
    host,
    'tar -xf /root/shells.tar -C / --keep-directory-symlink --no-overwrite-dir; rm /root/shells.tar',
  );
}
