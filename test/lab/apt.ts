/** Owns the installation of Debian packages on the machine: what is needed and missing, nothing else. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { packagesFor, type PackageUser } from './debian-packages.ts';
import { withLock } from './lock.ts';
import type { Report } from './progress.ts';
import { mustRun, run } from './run.ts';

const policyFile = '/usr/sbin/policy-rc.d';
const policyText = '#!/bin/sh\n# Made by the lab while it installs packages: no service is to be started.\nexit 101\n';

// One for the machine, whatever cache a lab has: dpkg and the policy file are the machine's.
const lockFolder = '/run/lock';
const lockFile = `${lockFolder}/kbinit-apt.lock`;

/** Packages are missing and cannot be installed here: this is not Debian, or not root. */
export class NotInstallable extends Error {}

/** Installs what is missing of the packages that these need. */
export async function ensurePackages(users: readonly PackageUser[], report: Report): Promise<void> {
  const wanted = packagesFor(users);
  if (!existsSync('/usr/bin/dpkg-query')) {
    throw new NotInstallable(
      `this is not a Debian system; install by hand what these packages have: ${wanted.join(' ')}`,
    );
  }
  const lacking = await missing(wanted);
  if (process.getuid?.() !== 0) {
    if (lacking.length === 0) return;
    const command = `apt-get install --no-install-recommends ${lacking.join(' ')}`;
    throw new NotInstallable(`Debian packages are missing; as root, run: ${command}`);
  }
  // A run that was killed while it installed has left its policy: services would not start any more.
  if (lacking.length === 0 && !(await isOurPolicy())) return;
  await mkdir(lockFolder, { recursive: true });
  const waiting = (): void => report('another process installs Debian packages: waiting for it');
  await withLock(lockFile, () => install(wanted, report), waiting);
}

async function install(packages: readonly string[], report: Report): Promise<void> {
  const wanted = await missing(packages);
  if (wanted.length === 0) return rm(policyFile, { force: true });
  report(`apt: installing ${wanted.join(' ')}`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  // Somebody's own apt-get may be at work, which knows nothing of our lock.
  const args = ['-o', 'DPkg::Lock::Timeout=600', 'install', '-y', '-qq', '--no-install-recommends', ...wanted];
  await withoutStartingServices(async () => {
    // Package lists may be there and fresh enough: they are fetched only when the first try fails.
    if ((await run('apt-get', args, { env })).code === 0) return;
    // An installation that was killed half way is finished first: apt refuses to go on without.
    await run('dpkg', ['--configure', '-a'], { env });
    // One repository of several that cannot be reached need not be the one with these packages: the install tells.
    const { code, stderr } = await run('apt-get', ['update', '-qq'], { env });
    if (code !== 0) report(`apt-get update: ${stderr.trim()}`);
    await mustRun('apt-get', args, { env });
  });
}

async function missing(packages: readonly string[]): Promise<string[]> {
  const { stdout } = await run('dpkg-query', ['-W', '-f', '${Package} ${db:Status-Status}\\n', ...packages]);
  const installed = new Set(stdout.split('\n').flatMap((line) => line.match(/^(\S+) installed$/)?.[1] ?? []));
  return packages.filter((name) => !installed.has(name));
}

async function isOurPolicy(): Promise<boolean> {
  return (await policy()) === policyText;
}

async function policy(): Promise<string | undefined> {
  return readFile(policyFile, 'utf8').catch(() => undefined);
}

async function withoutStartingServices(work: () => Promise<void>): Promise<void> {
  const existing = await policy();
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
