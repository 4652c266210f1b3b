// What every end-to-end test needs: a lab of its own, the built program, and a cluster's configuration for the lab.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { labComponentConfigs } from '../lab/cluster-config.ts';
import { openLab, versions, type Lab, type LabOptions } from '../lab/lab.ts';

/** The built program; KBINIT_PROGRAM names another one to be tested. */
export const program: string =
  process.env['KBINIT_PROGRAM'] ?? new URL('../../dist/kbinit.mjs', import.meta.url).pathname;

export interface KbinitResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly seconds: number;
}

export interface RunOptions {
  readonly stdin?: string;
  /** Leave standard input open: a question waits for its answer. */
  readonly keepsStdin?: boolean;
  readonly environment?: Readonly<Record<string, string>>;
  /** Called with the process as soon as it runs. */
  readonly onStart?: (child: ChildProcess) => void;
  /** Called with each piece of stderr. */
  readonly onProgress?: (text: string) => void;
}

/** Run the built program. */
export function kbinit(args: readonly string[], options: RunOptions = {}): Promise<KbinitResult> {
  const start = performance.now();
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...process.env, NO_COLOR: '1', ...options.environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => {
    stderr.push(chunk);
    options.onProgress?.(chunk.toString('utf8'));
  });
  child.stdin.on('error', () => undefined);
  if (options.keepsStdin !== true) child.stdin.end(options.stdin ?? '');
  options.onStart?.(child);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) =>
      resolve({
        // As a shell shows it.
        code: code ?? 128 + (signal === null ? 0 : constants.signals[signal]),
        stdout: Buffer.concat(stdout).toString('utf8'),
        stderr: Buffer.concat(stderr).toString('utf8'),
        seconds: (performance.now() - start) / 1000,
      }),
    );
  });
}

/** Whether the lab's Kubernetes is not the newest (docs/testing.md, "Older versions of Kubernetes"). */
const isOlder = Boolean(process.env['KBINIT_LAB_KUBERNETES']);

/** A lab that no other test file uses: the prefix names it, the number is its subnet's; of ready hosts unless said otherwise. */
export function testLab(prefix: string, subnetNumber: number, more: Pick<LabOptions, 'kind'> = {}): Promise<Lab> {
  const [name, subnet] = isOlder ? [`t-older-${prefix}`, 63] : [`t-${prefix}`, 61];
  return openLab({ ...more, prefix: name, subnet: `10.${subnet}.${subnetNumber}.0/24`, forTests: true });
}

/** The flags that lead to a host of the lab. */
export function over(lab: Lab, host: string): readonly string[] {
  const { address } = lab.host(host);
  return ['--host', `root@${address}`, '--identity-file', lab.identityFile, '--known-hosts', lab.knownHostsFile];
}

/** A folder for one test's files on this machine. */
export function scratch(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'kbinit-e2e-'));
}

/** A configuration file for the lab's kernel and its Kubernetes, with more lines for the two kubeadm documents where a test wants them. */
export async function clusterConfig(more: { readonly init?: string; readonly cluster?: string } = {}): Promise<string> {
  const path = join(await scratch(), 'config.yaml');
  // Without it kbinit's newest, which is what the lab has unless it was told otherwise.
  const version = isOlder ? `kubernetesVersion: v${versions.kubernetes}\n` : '';
  const documents = [
    `apiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\n${more.init ?? ''}`,
    `apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nnetworking: {podSubnet: 10.244.0.0/16}\n${version}${more.cluster ?? ''}`,
    labComponentConfigs(),
  ];
  await writeFile(path, documents.join('\n---\n'));
  return path;
}

/** What init printed for joining: endpoint, token, hash. */
export function joinArguments(stdout: string): {
  readonly endpoint: string;
  readonly token: string;
  readonly hash: string;
} {
  // Where kbinit was elsewhere, the command for the node itself.
  const match = /(?:kbinit|kubeadm) join (\S+) --token (\S+) \\\n\t--discovery-token-ca-cert-hash (\S+)/.exec(stdout);
  const [, endpoint, token, hash] = match ?? [];
  if (endpoint === undefined || token === undefined || hash === undefined) {
    throw new Error(`no join command in:\n${stdout}`);
  }
  return { endpoint, token, hash };
}

/** The arguments of a worker's join; the token goes over stdin. */
export function joinFlags(wanted: ReturnType<typeof joinArguments>): readonly string[] {
  return ['join', wanted.endpoint, '--token-file', '-', '--discovery-token-ca-cert-hash', wanted.hash];
}

/** Try until it holds, or fail with the last answer. */
export async function eventually<T>(
  what: string,
  seconds: number,
  attempt: () => Promise<T | undefined | false>,
): Promise<T> {
  const deadline = performance.now() + seconds * 1000;
  let last = '';
  for (;;) {
    try {
      const value = await attempt();
      if (value !== undefined && value !== false) return value;
    } catch (error) {
      last = error instanceof Error ? error.message : String(error);
    }
    if (performance.now() > deadline) throw new Error(`waited ${seconds} s for ${what} ${last}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** Add totals of another suite (kubeadm's own) to those of this run. */
export async function addTotals(totals: {
  readonly name: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly reason?: string;
}): Promise<void> {
  const path = process.env['KBINIT_TEST_TOTALS'];
  if (path === undefined) return;
  const before = await readFile(path, 'utf8').catch(() => '');
  await writeFile(path, `${before}${JSON.stringify(totals)}\n`);
}
