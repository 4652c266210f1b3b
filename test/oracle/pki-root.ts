// Runs kubeadm and kbinit over the same configuration in a throw-away root: a process in a mount namespace of its own,
// where /etc and /var/lib are overlays in memory. One case a line on stdin, one answer a line on stdout.
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { main } from '../../src/cli/main.ts';
import type { OracleCase } from './generator.ts';

/** A file or folder as it was written. */
export interface Entry {
  /** Type, mode and owner: `f 600 0`, `d 755 0`. */
  readonly mode: string;
  readonly text: string;
}

/** What one program made of a case. */
export interface Outcome {
  /** The first phase that failed and what was said; undefined when all went well. */
  readonly failure?: string;
  /** What kbinit said on the way. */
  readonly said?: string;
  readonly files: Readonly<Record<string, Entry>>;
}

export interface Answer {
  readonly theirs: Outcome;
  readonly ours: Outcome;
}

const allPhases: readonly (readonly string[])[] = [
  ['certs', 'all'],
  ['kubeconfig', 'all'],
  ['control-plane', 'all'],
  ['etcd', 'local'],
  ['kubelet-start'],
];
/** What is looked at, and emptied between two runs. */
const places = [
  '/etc/kubernetes',
  '/var/lib/kubelet',
  '/var/lib/etcd',
  '/var/lib/etcd-data',
  '/var/lib/other',
  '/var/lib/pki',
];
const alsoEmptied = ['/var/lib/kbinit', '/etc/kubernetes-patches'];
const configPath = '/etc/kubernetes-oracle.yaml';

/** `work` is an empty folder: what is written is mounted there. */
const [kubeadm = '', work = ''] = process.argv.slice(2);

/** Hide the machine's own folders: from here on everything that is written is in memory. */
function isolate(): void {
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', work]);
  for (const [index, folder] of ['/etc', '/var/lib'].entries()) {
    const [upper, scratch] = [join(work, `upper${index}`), join(work, `work${index}`)];
    mkdirSync(upper);
    mkdirSync(scratch);
    const options = `lowerdir=${folder},upperdir=${upper},workdir=${scratch}`;
    execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', options, folder]);
  }
  // The lock of this machine is not that of the root: another one may be at work beside this.
  mkdirSync('/run/kbinit', { recursive: true, mode: 0o700 });
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'mode=0700', 'tmpfs', '/run/kbinit']);
  // No unit is started or asked: both programs find a systemd that does what it is told and has nothing running.
  const bin = join(work, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'systemctl'), '#!/bin/sh\n[ "$1" != is-active ] || exit 3\n');
  chmodSync(join(bin, 'systemctl'), 0o755);
  process.env['PATH'] = `${bin}:${process.env['PATH'] ?? ''}`;
  process.env['HOME'] = work;
}

function prepare({ files, config }: OracleCase): void {
  for (const place of [...places, ...alsoEmptied]) rmSync(place, { recursive: true, force: true });
  for (const [path, given] of Object.entries({ ...files, [configPath]: config })) {
    const { text, mode, owner = 0 } = typeof given === 'string' ? { text: given, mode: 0o644 } : given;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    chmodSync(path, mode);
    chownSync(path, owner, owner);
  }
}

function look(): Record<string, Entry> {
  const found: Record<string, Entry> = {};
  const visit = (path: string): void => {
    const { mode, uid } = statSync(path);
    const isFolder = (mode & 0o170_000) === 0o040_000;
    found[path] = {
      mode: `${isFolder ? 'd' : 'f'} ${(mode & 0o7777).toString(8)} ${uid}`,
      text: isFolder ? '' : readFileSync(path, 'utf8'),
    };
    if (isFolder) for (const name of readdirSync(path)) visit(join(path, name));
  };
  for (const place of places) {
    try {
      visit(place);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    }
  }
  return found;
}

function runTheirs({ phases = allPhases }: OracleCase): string | undefined {
  for (const phase of phases) {
    const args = ['init', 'phase', ...phase, '--config', configPath];
    const { status, stdout, stderr } = spawnSync(kubeadm, args, { encoding: 'utf8' });
    if (status !== 0) return `${phase.join(' ')}: ${`${stdout}${stderr}`.slice(-1500)}`;
  }
  return undefined;
}

async function runOurs({
  phases = allPhases,
}: OracleCase): Promise<{ readonly failure?: string; readonly said: string }> {
  const write = process.stderr.write.bind(process.stderr);
  let said = '';
  process.stderr.write = (text: string | Uint8Array): boolean => {
    said += String(text);
    return true;
  };
  try {
    for (const phase of phases) {
      const code = await main(['init', 'phase', ...phase, '--config', configPath]);
      if (code !== 0) return { said, failure: `${phase.join(' ')}: exit ${code}\n${said.slice(-1500)}` };
    }
    return { said };
  } finally {
    process.stderr.write = write;
  }
}

async function answer(one: OracleCase): Promise<Answer> {
  const before = { ...process.env };
  Object.assign(process.env, one.environment);
  try {
    prepare(one);
    const theirs = outcome(runTheirs(one));
    prepare(one);
    const { said, ...failed } = await runOurs(one);
    return { theirs, ours: { ...outcome(failed.failure), said } };
  } finally {
    for (const name of Object.keys(one.environment)) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
  }
}

function outcome(failure: string | undefined): Outcome {
  return { ...(failure === undefined ? {} : { failure }), files: look() };
}

isolate();
for (const name of Object.keys(process.env).filter((one) => /_proxy$/i.test(one))) delete process.env[name];
for await (const line of createInterface({ input: process.stdin })) {
  // The test is the only one that writes here.
  const one: OracleCase = JSON.parse(line);
  process.stdout.write(`${JSON.stringify(await answer(one))}\n`);
}
