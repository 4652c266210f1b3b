// Secrets: a whole life of a cluster with a token, a certificate key and a sudo password that are easy to recognise,
// and the search for them, and for every private key, in all that is left behind. They may only be on standard output.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Lab } from '../lab/lab.ts';
import {
  clusterConfig,
  eventually,
  joinArguments,
  joinFlags,
  kbinit,
  over,
  program,
  scratch,
  testLab,
  type KbinitResult,
} from './support.ts';
import { filesBelow, keyCanaries, ProcessWatch, sightings, type Canary, type Place } from './support/canary.ts';
import { addUser, inHost } from './support/host.ts';
import { kbinitAtTerminal } from './support/terminal.ts';

const token = 'canary.tokensentinel001';
const certificateKey = 'c0ffee5ec2e7'.repeat(6).slice(0, 64);
const password = 'Sentinel-Password-0815';

const typed: readonly Canary[] = [
  { name: 'the token', value: 'tokensentinel001' },
  { name: 'the certificate key', value: certificateKey },
  { name: 'the sudo password', value: password },
];

let lab: Lab;
let home: string;
let config: string;
/** All texts in which no secret may be. */
const places: Place[] = [];
/** What was typed, and a piece of each private key on the hosts. */
const canaries: Canary[] = [...typed];
let initOutput: string;
let secondOutput: string;
let dryRuns: readonly KbinitResult[];

/** strace's words for a complete record of what a process and its children start, with their environments. */
const recorder = (file: string): string[] => [
  'strace',
  '-f',
  '-qq',
  '-v',
  '-s',
  '65535',
  '-e',
  'trace=execve',
  '-o',
  file,
];

/** Run it under strace, and keep all it says on standard error. */
async function recorded(name: string, args: readonly string[], stdin = ''): Promise<{ stdout: string }> {
  const trace = join(await scratch(), 'trace');
  const [command = '', ...words] = [...recorder(trace), process.execPath, program, ...args];
  const child = spawn(command, words, { env: { ...process.env, NO_COLOR: '1', HOME: home }, stdio: 'pipe' });
  const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  child.stdin.end(stdin);
  const [code]: unknown[] = await once(child, 'close');
  const said = Buffer.concat(stderr).toString();
  expect(code, said).toBe(0);
  places.push({ name: `standard error of ${name}`, text: said });
  places.push({ name: `what ${name} started`, text: await readFile(trace, 'latin1') });
  return { stdout: Buffer.concat(stdout).toString() };
}

async function collectKeys(host: string, files: string): Promise<void> {
  const names = (await inHost(lab, host, `ls ${files}`)).trim().split('\n');
  for (const name of names) canaries.push(...keyCanaries(`${name} of ${host}`, await inHost(lab, host, `cat ${name}`)));
}

beforeAll(async () => {
  lab = await testLab('secrets', 42);
  await lab.up(['master1', 'node1']);
  await lab.recreate(['master1', 'node1']);
  home = await scratch();
  const files = await scratch();
  const [tokenFile, keyFile, stdoutFile, trace] = ['token', 'key', 'stdout', 'trace'].map((name) => join(files, name));
  if (tokenFile === undefined || keyFile === undefined || stdoutFile === undefined || trace === undefined) return;
  await writeFile(tokenFile, `${token}\n`);
  await writeFile(keyFile, `${certificateKey}\n`);
  config = await clusterConfig({ cluster: `controlPlaneEndpoint: ${lab.host('master1').address}:6443\n` });
  await addUser(lab, 'master1', { name: 'admin', password, sudoers: 'admin ALL=(ALL) ALL' });
  for (const host of ['master1', 'node1']) {
    const attach = `${recorder('/root/trace').join(' ')} -p "$(pgrep -o -x sshd)"`;
    await inHost(lab, host, `systemd-run -q --unit=recorder ${attach}`);
    await eventually('strace', 10, async () => {
      const status = await inHost(lab, host, 'cat "/proc/$(pgrep -o -x sshd)/status"');
      return !/TracerPid:\t0$/m.test(status);
    });
  }
  const watch = new ProcessWatch();
  watch.start();

  const secretFlags = ['--token-file', tokenFile, '--certificate-key-file', keyFile, '--upload-certs'];
  const environment = { HOME: home };
  const dry = ['init', ...over(lab, 'master1'), '--config', config, '--dry-run', ...secretFlags];
  dryRuns = [await kbinit(dry, { environment }), await kbinit([...dry, '--log-format', 'json'], { environment })];

  const admin = `admin@${lab.host('master1').address}`;
  const words = over(lab, 'master1').with(1, admin);
  const run = await kbinitAtTerminal(
    ['init', ...words, '--config', config, ...secretFlags],
    [{ question: /sudo password for .*: $/, text: password }],
    { environment, prefix: recorder(trace), stdoutFile },
  );
  expect(run.code, run.screen).toBe(0);
  initOutput = await readFile(stdoutFile, 'utf8');
  places.push({ name: 'the screen of init', text: run.screen });
  places.push({ name: 'what init started', text: await readFile(trace, 'latin1') });
  await collectKeys('master1', '/etc/kubernetes/pki/*.key /etc/kubernetes/pki/etcd/*.key');
  await collectKeys(
    'master1',
    '/etc/kubernetes/admin.conf /etc/kubernetes/super-admin.conf /etc/kubernetes/scheduler.conf',
  );

  const wanted = joinArguments(initOutput);
  const json = ['--log-format', 'json'];
  await recorded('join', [...joinFlags(wanted), ...over(lab, 'node1'), ...json], token);
  const withheld = ['--skip-token-print', '--skip-certificate-key-print'];
  const second = ['init', ...over(lab, 'master1'), '--config', config, ...secretFlags, ...withheld, ...json];
  secondOutput = (await recorded('a second init', second)).stdout;
  places.push({
    name: 'the journal of master1',
    text: await inHost(lab, 'master1', 'journalctl --no-pager -o export'),
  });
  for (const host of ['node1', 'master1']) {
    await recorded(`reset of ${host}`, ['reset', ...over(lab, host), '--force', ...json]);
  }
  for (const host of ['node1', 'master1']) {
    await inHost(lab, host, 'systemctl stop recorder');
    places.push({ name: `what ${host} was told to start`, text: await inHost(lab, host, 'cat /root/trace') });
    places.push({ name: `the journal of ${host}`, text: await inHost(lab, host, 'journalctl --no-pager -o export') });
    places.push({
      name: `shell histories of ${host}`,
      text: await inHost(lab, host, 'cat /root/.*history /home/*/.*history 2>/dev/null || true'),
    });
  }
  places.push(...(await watch.stop()));
  places.push(...(await filesBelow(home)));
});

afterAll(async () => {
  if (process.env['KBINIT_TEST_KEEP'] === undefined) await lab.down();
});

describe('the search', () => {
  test('finds what is there: the token and the certificate key are on the standard output of init', () => {
    const found = sightings(canaries, [{ name: 'stdout', text: initOutput }]);
    expect(found).toEqual(expect.arrayContaining(['the token in stdout', 'the certificate key in stdout']));
  });

  test('knows every private key', () => {
    // Ten of the PKI, the service accounts', and three kubeconfigs.
    expect(canaries.length - typed.length).toBe(14);
  });

  test('finds a secret in base64, in the middle of a line, and cut into lines', () => {
    const text = Buffer.from(`password: ${password}\n`).toString('base64');
    const cut = `${password.slice(0, 9)}\n${password.slice(9)}`;
    const found = sightings(typed, [
      { name: 'a', text: `xx${text}yy` },
      { name: 'b', text: cut },
    ]);
    expect(found).toEqual(['the sudo password in a', 'the sudo password in b']);
  });

  test.each([
    [/^what init started/, /execve\("[^"]*node"/],
    [/^what master1 was told/, /\/usr\/bin\/sudo.*-S.*\/bin\/sh/],
    [/^what master1 was told/, /systemctl/],
    [/^what node1 was told/, /LC_ALL=C/],
    [/^the journal of master1/, /admin : .*COMMAND=\/bin\/sh/],
    [/^standard error of join/, /"kind":"phase-end"/],
    [/^process .*kubelet/, /--kubeconfig=\/etc\/kubernetes\/kubelet.conf/],
    [/\.jsonl$/, /"kind":"command"/],
  ])('looked into %s', (name, sign) => {
    // Not `toMatch`: a failure would print a journal.
    expect(places.some((place) => name.test(place.name) && sign.test(place.text))).toBe(true);
  });
});

describe('no secret and no private key', () => {
  const within = (name: RegExp): readonly string[] =>
    sightings(
      canaries,
      places.filter((place) => name.test(place.name)),
    );

  test('is in the arguments or environment of a process that kbinit starts here', () =>
    expect(within(/^what (init|join|a second init|reset of \w+) started/)).toEqual([]));

  test('is in the arguments or environment of a process on a host', () =>
    expect(within(/^what \w+ was told to start|^process /)).toEqual([]));

  test('is on standard error, as text or as JSON', () =>
    expect(within(/^(the screen|standard error) of /)).toEqual([]));

  test("is in kbinit's logs or any other file of its own", () => expect(within(/^\//)).toEqual([]));

  test('is in the journal or a shell history of a host', () =>
    expect(within(/^(the journal|shell histories) of /)).toEqual([]));
});

test('a log can be read by its owner only', async () => {
  const folder = join(home, '.kbinit', 'log');
  const logs = await readdir(folder);
  expect(logs.length).toBeGreaterThanOrEqual(6);
  const mode = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8);
  expect(await mode(folder)).toBe('700');
  expect(new Set(await Promise.all(logs.map((name) => mode(join(folder, name)))))).toEqual(new Set(['600']));
});

test('a plan names what would be written and shows no secret of it', () => {
  for (const run of dryRuns) {
    expect(run.code, run.stderr).toBe(0);
    expect(run.stdout + run.stderr).toContain('/etc/kubernetes/pki/ca.key');
  }
  const shown = dryRuns.map((run, index) => ({ name: `dry run ${index}`, text: run.stdout + run.stderr }));
  expect(sightings(typed, shown)).toEqual([]);
  for (const { text } of shown) expect(text).not.toMatch(/PRIVATE KEY|client-key-data: [A-Za-z0-9+/]/);
});

test('--skip-token-print and --skip-certificate-key-print withhold them from standard output too', () => {
  expect(secondOutput).toContain('kbinit join');
  // A control plane's join and a worker's, each as it is typed from here and as on the host.
  expect(secondOutput.match(/<value withheld>/g)).toHaveLength(6);
  expect(sightings(typed, [{ name: 'stdout', text: secondOutput }])).toEqual([]);
});
