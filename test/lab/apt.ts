/** Owns the Debian packages of the machine: what the lab needs and is missing gets installed, nothing else. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Report } from './progress.ts';
import { withLock } from './lock.ts';
import { mustRun, run } from './run.ts';

// netavark: podman's network, only recommended by it. gcc, libc6-dev, pkg-config, libseccomp-dev: runc and flannel use cgo.
// strace: tests record what the program starts.
const packages = (
  'podman netavark runc debootstrap iptables openssh-client util-linux ca-certificates ' +
  'gcc libc6-dev pkg-config libseccomp-dev strace'
).split(' ');

const policyFile = '/usr/sbin/policy-rc.d';
const policyText = '#!/bin/sh\n# Made by the lab while it installs packages: no service is to be started.\nexit 101\n';

/** Installs what is missing of the lab's packages. */
export async function ensurePackages(cacheDir: string, report: Report): Promise<void> {
  if ((await missing()).length === 0) return;
  await withLock(join(cacheDir, 'apt.lock'), () => install(report));
}

async function install(report: Report): Promise<void> {
  const wanted = await missing();
  if (wanted.length === 0) return;
  report(`apt: installing ${wanted.join(' ')}`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const args = ['install', '-y', '-qq', '--no-install-recommends', ...wanted];
  await withoutStartingServices(async () => {
    // Package lists may be there and fresh enough: they are fetched only when the first try fails.
    if ((await run('apt-get', args, { env })).code === 0) return;
    await mustRun('apt-get', ['update', '-qq'], { env });
    await mustRun('apt-get', args, { env });
  });
}

async function missing(): Promise<string[]> {
  const { stdout } = await run('dpkg-query', ['-W', '-f', '${Package} ${db:Status-Status}\\n', ...packages]);
  const installed = new Set(stdout.split('\n').flatMap((line) => line.match(/^(\S+) installed$/)?.[1] ?? []));
  return packages.filter((name) => !installed.has(name));
}

async function withoutStartingServices(work: () => Promise<void>): Promise<void> {
  const existing = await readFile(policyFile, 'utf8').catch(() => undefined);
  const isOurs = existing === undefined || existing === policyText;
  if (isOurs) await writeFile(policyFile, policyText, { mode: 0o755 });
  try {
    await work();
  } finally {
    if (isOurs) await rm(policyFile, { force: true });
  }
}

/** The mirror this machine installs from, for debootstrap; undefined when it cannot be told. */
export async function debianMirror(): Promise<string | undefined> {
  const format = '$(REPO_URI) $(CODENAME) $(COMPONENT) $(CREATED_BY)';
  const { stdout } = await run('apt-get', ['indextargets', '--format', format]);
  return stdout.match(/^(\S+) bookworm main Packages$/m)?.[1];
}
