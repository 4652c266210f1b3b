/** Owns the ready /var/lib/containerd: all images imported and unpacked once, so that a host starts with them in a moment. */
import { copyFile, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeTree, stepDir, type Step } from './cache.ts';
import { containerdPrograms } from './go-build.ts';
import { allArchives, imageArchives } from './images.ts';
import { mustRun, run } from './run.ts';
import { releaseSuffix } from './versions.ts';

const config = await readFile(join(import.meta.dirname, 'files/template-containerd.toml'), 'utf8');

/** The folder that a host's /var/lib/containerd is made from. */
export const containerdTemplate: Step = {
  name: `containerd-template${releaseSuffix}`,
  inputs: [config],
  needs: [containerdPrograms, imageArchives],
  lane: 'disk',
  build: importImages,
};

/**
 * Makes a host's /var/lib/containerd: hard links for blobs and layers, which containerd never writes to again (a blob is
 * immutable, an unpacked layer is only ever a lower directory), and real copies of its databases.
 */
export async function copyTemplate(target: string): Promise<void> {
  await mustRun('cp', ['-al', stepDir(containerdTemplate), target]);
  // Each plugin has its database at its top. Deeper lie layers, whose /dev/fd would lead into this process.
  for (const plugin of await readdir(target)) {
    const databases = (await readdir(join(target, plugin))).filter((name) => name.endsWith('.db'));
    for (const path of databases.map((name) => join(plugin, name))) {
      await rm(join(target, path));
      await copyFile(join(stepDir(containerdTemplate), path), join(target, path));
    }
  }
}

async function importImages(dir: string): Promise<void> {
  // A socket's path is short by law, a cache folder's may not be.
  const state = await mkdtemp(join(tmpdir(), 'kbinit-lab-'));
  const program = (name: string): string => join(stepDir(containerdPrograms), name);
  const configFile = join(state, 'config.toml');
  await writeFile(configFile, config.replaceAll('@ROOT@', dir).replaceAll('@STATE@', state));
  // A killed build must not leave a daemon behind.
  const daemon = spawn('/usr/bin/setpriv', ['--pdeathsig', 'KILL', program('containerd'), '--config', configFile], {
    stdio: 'ignore',
  });
  const ended = new Promise<void>((resolve) => daemon.once('exit', () => resolve()));
  try {
    const ctr = ['--address', join(state, 'containerd.sock'), '-n', 'k8s.io'];
    await answering(() => run(program('ctr'), [...ctr, 'version']));
    await Promise.all(allArchives().map((file) => mustRun(program('ctr'), [...ctr, 'images', 'import', file])));
  } finally {
    daemon.kill('SIGTERM');
    await ended;
    await removeTree(state);
  }
  const kept = /^io\.containerd\.(content|metadata|snapshotter)\.v1\.(content|bolt|overlayfs)$/;
  for (const entry of await readdir(dir)) if (!kept.test(entry)) await removeTree(join(dir, entry));
}

async function answering(ask: () => Promise<{ code: number; stderr: string }>): Promise<void> {
  const deadline = performance.now() + 30_000;
  for (;;) {
    const answer = await ask();
    if (answer.code === 0) return;
    if (performance.now() > deadline) throw new Error(`containerd does not answer: ${answer.stderr.trim()}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
