import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { main } from '../../../src/cli/main.ts';

/** Run a command line; give its code and what it wrote. */
async function said(...argv: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const [stdout, stderr]: [string[], string[]] = [[], []];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => stdout.push(String(text)) > 0);
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => stderr.push(String(text)) > 0);
  const code = await main(argv);
  return { code, stdout: stdout.join(''), stderr: stderr.join('') };
}

afterEach(() => vi.restoreAllMocks());

describe('a command line that is not understood', () => {
  test.each([
    [['init', '--bogus'], "unknown option '--bogus'"],
    [['initialise'], "unknown command 'initialise'"],
    [['init', '--apiserver-bind-port', 'x'], 'must be a whole number'],
    [['init', 'word'], 'too many arguments'],
    [['init', '--host'], 'argument missing'],
  ])('%j is a problem with a code', async (argv, detail) => {
    const { code, stdout, stderr } = await said(...argv);
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toContain('KB_USAGE');
    expect(stderr).toContain(detail);
    expect(stderr).toContain('--help');
  });

  test.each<[string[], string]>([
    [['init', 'phase', 'nosuch'], 'kbinit init phase has: preflight, certs,'],
    [['init', '--config', 'certs', 'phase', 'certs', 'nosuch'], 'kbinit init phase certs has: all, ca, apiserver,'],
    [['certs', 'renew', 'nosuch'], 'kbinit certs renew has: all, admin.conf,'],
    [['addon', 'apply', 'calico'], 'kbinit addon apply has: flannel'],
    [['node', 'delete'], 'did you mean remove?; kbinit node has: remove'],
    [['help', 'nosuch'], "unknown command 'nosuch'"],
    [['help', 'certs', 'nosuch'], 'kbinit certs has: check-expiration'],
    [['intit'], 'did you mean init?'],
    [['certs', 'check'], 'did you mean check-expiration?'],
    [['init', 'phase', 'cert'], 'did you mean certs?'],
    [['init', 'phase', 'certs', 'apiserver-client'], 'kbinit init phase certs has:'],
    [['init', '--cidr', 'x'], 'did you mean --pod-network-cidr or --service-cidr?'],
    [['join', '--certificate-kye', 'x'], 'did you mean --certificate-key'],
    [['init', '--cni', 'flanel'], 'did you mean flannel?'],
    [['version', '-o', 'jsn'], 'did you mean json?'],
    [['config', 'images', 'list', '-o', 'jsom'], 'did you mean json?'],
    [['host', 'prepare', '--role', 'master'], 'did you mean control-plane?'],
    [['upgrade', 'plan'], 'kubeadm upgrade plan'],
  ])('%j names what there is', async (argv, detail) => {
    const { code, stderr } = await said(...argv);
    expect(code).toBe(1);
    expect(stderr).toContain(detail);
  });

  test('does not repeat a token that came with a flag that does not exist', async () => {
    const { stderr } = await said('join', '--tokn=abcdef.0123456789abcdef');
    expect(stderr).toContain('--tokn=abcdef.*');
    expect(stderr).not.toContain('0123456789abcdef');
  });
});

test('help that was asked for is no failure, and neither is kbinit alone', async () => {
  expect(await said('init', '--help')).toMatchObject({ code: 0, stderr: '' });
  const alone = await said();
  expect(alone).toMatchObject({ code: 0, stderr: '' });
  expect(alone.stdout).toContain('Commands:');
});

test.each([
  [['init', 'phase'], 'kbinit init phase has: preflight, certs,'],
  [['init', 'phase', 'certs'], 'kbinit init phase certs has: all, ca,'],
  [['token'], 'kbinit token has: create,'],
])('%j, a group of commands without one of them, shows its help and fails, as in kubeadm', async (argv, has) => {
  const { code, stdout, stderr } = await said(...argv);
  expect(code).toBe(1);
  expect(stdout).toContain(`Usage: kbinit ${argv.join(' ')}`);
  expect(stderr).toContain('a subcommand is required');
  expect(stderr).toContain(has);
});

test('a program of the size of etcd is read; what is none is refused for that, before a host is asked', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kbinit-main-'));
  try {
    const file = join(folder, 'etcd');
    await writeFile(file, 'no program');
    await truncate(file, 40 * 2 ** 20);
    const { code, stderr } = await said('etcd', 'init', '--host', 'root@127.0.0.1:1', '--etcd-binary', file);
    expect(stderr).toContain('KB_ETCD_BINARY');
    expect(code).toBe(1);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('bad input is refused before a host is asked', async () => {
  // Nobody listens there: a connection would be the failure.
  const host = ['--host', 'root@127.0.0.1:1'];
  for (const argv of [
    ['init', '--node-name', 'A_B'],
    ['init', '--token', 'x'],
    ['init', '--cni', 'flannel'],
    ['join', 'h:6443', '--token', 'x', '--discovery-token-unsafe-skip-ca-verification'],
    ['reset', '--force', '--cert-dir', 'pki'],
  ]) {
    const { code, stderr } = await said(...argv, ...host);
    expect(stderr, argv.join(' ')).toContain('KB_CONFIG');
    expect(code).toBe(1);
  }
  expect((await said('init', '--skip-phases', 'x', ...host)).stderr).toContain('KB_PHASE_UNKNOWN');
});
