// Bad input: it is refused with a code before any host hears of it; odd input is carried to the byte and never executed;
// and a join that does not find its cluster leaves nothing behind.
import { execFile } from 'node:child_process';
import { access, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readYaml } from '../../src/util/yaml.ts';
import type { Lab } from '../lab/lab.ts';
import { clusterConfig, joinArguments, kbinit, over, program, scratch, testLab, type KbinitResult } from './support.ts';
import { inHost, makeSshdTalk, sshdJournal, wipe } from './support/host.ts';

let lab: Lab;
let folder: string;
/** The cluster on master1, made beside the tests that need none. */
let init: Promise<KbinitResult>;

const token = 'abcdef.0123456789abcdef';
const expired = 'fedcba.0123456789abcdef';

/** Write a file for a flag. */
async function file(name: string, text: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

const document = (kind: string, rest: string): string => `apiVersion: kubeadm.k8s.io/v1beta4\nkind: ${kind}\n${rest}`;

beforeAll(async () => {
  lab = await testLab('input', 43);
  await lab.up(['master1', 'node1']);
  await lab.recreate(['master1', 'node1']);
  folder = await scratch();
  await makeSshdTalk(lab, 'node1');
  const tokens = `bootstrapTokens: [{token: ${token}}, {token: ${expired}, ttl: 1s}]\n`;
  init = kbinit(['init', ...over(lab, 'master1'), '--config', await clusterConfig({ init: tokens })]);
});

afterAll(async () => {
  await init.catch(() => undefined);
  if (process.env['KBINIT_TEST_KEEP'] === undefined) await lab.down();
});

describe('bad input', () => {
  let connections: Promise<string>;
  let finish: () => void;

  beforeAll(() => {
    const finished = new Promise<void>((resolve) => (finish = resolve));
    connections = sshdJournal(lab, 'node1', () => finished);
  });

  /** Run it against node1; give what it said. */
  async function refused(args: readonly string[], stdin = ''): Promise<string> {
    const run = await kbinit([...args, ...over(lab, 'node1')], { stdin });
    expect(run.code, run.stderr).toBe(1);
    expect(run.stdout).toBe('');
    expect(run.stderr).not.toMatch(/\n +at /);
    expect(run.stderr).toMatch(/│ +do|╵ +do/);
    return run.stderr;
  }

  test.each([
    ['a flag that does not exist', ['init', '--bogus'], /unknown option '--bogus'/],
    ['a command that does not exist', ['initialise'], /unknown command 'initialise'/],
    ['a phase that does not exist', ['init', 'phase', 'bogus'], /unknown command 'bogus'/],
    ['a number that is none', ['init', '--apiserver-bind-port', 'x'], /--apiserver-bind-port/],
    ['a choice that is none', ['init', '--cni', 'calico'], /flannel, none/],
    ['an argument too many', ['init', 'word'], /too many arguments/],
    ['a flag that the phase does not have', ['init', 'phase', 'certs', 'all', '--upload-certs'], /--upload-certs/],
  ])('on the command line: %s is refused', async (_what, args, sign) => {
    const said = await refused(args);
    expect(said).toContain('KB_USAGE');
    expect(said).toMatch(sign);
  });

  test.each([
    '',
    'a b',
    'root@',
    'host:99999',
    'root@h:x',
    '-oProxyCommand=touch${IFS}/tmp/pwn',
    'root@$(touch /tmp/pwn)',
    '`id`@',
    'h;id',
    'a\nb',
  ])('--host %j is refused', async (host) => {
    const run = await kbinit(['init', '--host', host]);
    expect(run.code, run.stderr).toBe(1);
    expect(run.stderr).toContain('KB_TARGET');
  });

  test('a configuration file that is not there, or is a folder, is refused', async () => {
    expect(await refused(['init', '--config', join(folder, 'none.yaml')])).toMatch(/KB_FILE[^]*none\.yaml/);
    await mkdir(join(folder, 'folder.yaml'), { recursive: true });
    expect(await refused(['init', '--config', join(folder, 'folder.yaml')])).toMatch(
      /KB_FILE[^]*folder\.yaml is a directory/,
    );
  });

  test.each([
    ['is no YAML', 'a: [b\n', /bad\.yaml line 2/],
    ['has tabs', document('InitConfiguration', 'nodeRegistration:\n\tname: a\n'), /bad\.yaml line 4/],
    ['is empty', '', /no InitConfiguration or ClusterConfiguration/],
    ['is a list', '- a\n- b\n', /KB_CONFIG/],
    ['has another kind only', document('JoinConfiguration', ''), /no InitConfiguration or ClusterConfiguration/],
    ['is of an old version', 'apiVersion: kubeadm.k8s.io/v1beta1\nkind: InitConfiguration\n', /too old/],
    ['is of an unknown version', 'apiVersion: kubeadm.k8s.io/v9\nkind: InitConfiguration\n', /not known/],
    ['has text for a number', document('InitConfiguration', 'localAPIEndpoint: {bindPort: high}\n'), /bindPort/],
    ['has a map for a text', document('ClusterConfiguration', 'clusterName: {a: b}\n'), /clusterName/],
    ['is not UTF-8', Buffer.from([0x61, 0x3a, 0x20, 0xff, 0xfe, 0x0a]), /UTF-8/],
    ['is larger than a megabyte', `# ${'x'.repeat(1_100_000)}\n`, /KB_CONFIG/],
    [
      'holds an alias bomb',
      `a: &a [x,x,x,x,x,x,x,x,x]\n${['b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j']
        .map(
          (name, index) =>
            `${name}: &${name} [${Array(9)
              .fill(`*${'abcdefghij'[index] ?? 'a'}`)
              .join(',')}]\n`,
        )
        .join('')}`,
      /KB_CONFIG/,
    ],
  ])('a configuration file that %s is refused', async (_what, text, sign) => {
    const path = await file('bad.yaml', text);
    const started = performance.now();
    const said = await refused(['init', '--config', path]);
    expect(said).toContain('KB_CONFIG');
    expect(said).toMatch(sign);
    expect(performance.now() - started).toBeLessThan(4000);
  });

  test.each([
    [['--pod-network-cidr', 'everything']],
    [['--pod-network-cidr', '10.96.0.0/16']],
    [['--service-cidr', '10.96.0.0/31']],
    [['--kubernetes-version', 'newest']],
    [['--kubernetes-version', 'v9.9.9']],
    [['--kubernetes-version', 'v1.24.17']],
    [['--kubernetes-version', 'v1.37.0']],
    [['--feature-gates', 'Bogus=true']],
    [['--apiserver-bind-port', '70000']],
    [['--apiserver-advertise-address', '1.2.3']],
    [['--apiserver-cert-extra-sans', 'a b;touch /tmp/pwn']],
    [['--control-plane-endpoint', 'a b']],
    [['--cri-socket', 'tcp://127.0.0.1:1']],
    [['--image-repository', 'a b']],
    [['--node-name', 'A_B;touch /tmp/pwn']],
    [['--node-name', '-rf']],
    [['--service-dns-domain', 'a..b']],
    [['--token-ttl=-1h']],
    [['--token-ttl', 'soon']],
    [['--cert-dir', 'relative']],
    [['--skip-phases', 'bogus']],
    [['--skip-phases', 'bootstrap-token']],
    [['--ignore-preflight-errors', 'all,Swap']],
    [['--cni', 'flannel']],
  ])('init %j is refused', async (args) => {
    expect(await refused(['init', ...args])).toMatch(/KB_(CONFIG|PHASE_UNKNOWN|PHASE_NEEDS) /);
  });

  test('a flag that changes the configuration is refused beside --config', async () => {
    const path = await file('good.yaml', document('ClusterConfiguration', ''));
    expect(await refused(['init', '--config', path, '--pod-network-cidr', '10.244.0.0/16'])).toMatch(
      /KB_CONFIG +can not mix '--config' with arguments/,
    );
  });

  const secret = 'Wrong1.Secret-Canary-77';

  test.each([
    ['a token given as a flag', ['init', '--token', secret], ''],
    ['a token given as one word with its flag', ['init', `--token=${secret}`], ''],
    ['a token on standard input', ['init', '--token-file', '-'], secret],
    ['a certificate key given as a flag', ['init', '--upload-certs', '--certificate-key', secret], ''],
    ['a certificate key on standard input', ['init', '--upload-certs', '--certificate-key-file', '-'], secret],
    ['a token for join', ['join', 'h:6443', '--token', secret, '--discovery-token-unsafe-skip-ca-verification'], ''],
    [
      'a token for TLS bootstrap',
      [
        'join',
        'h:6443',
        '--token',
        token,
        '--tls-bootstrap-token',
        secret,
        '--discovery-token-unsafe-skip-ca-verification',
      ],
      '',
    ],
  ])('%s that is malformed is refused and not repeated', async (_what, args, stdin) => {
    const said = await refused(args, stdin);
    expect(said).toMatch(/KB_(CONFIG|CERTIFICATE_KEY) /);
    expect(said).not.toContain(secret);
    expect(said).not.toContain('Canary');
  });

  test('a secret in a flag that does not exist is not repeated', async () => {
    const said = await refused(['join', `--tokn=${token}`]);
    expect(said).toContain('KB_USAGE');
    expect(said).not.toContain(token.slice(7));
  });

  test('a malformed token in a configuration file is refused and not repeated', async () => {
    const path = await file('token.yaml', document('InitConfiguration', `bootstrapTokens: [{token: "${secret}"}]\n`));
    const said = await refused(['init', '--config', path]);
    expect(said).toContain('KB_CONFIG');
    expect(said).not.toContain('Canary');
  });

  const pin = `sha256:${'ab'.repeat(32)}`;

  test.each([
    ['no way to find the cluster', ['join']],
    ['an endpoint without a port', ['join', 'host', '--token', token, '--discovery-token-ca-cert-hash', pin]],
    ['an endpoint that is a URL', ['join', 'http://h:6443', '--token', token, '--discovery-token-ca-cert-hash', pin]],
    [
      'an endpoint with a command in it',
      ['join', '$(touch /tmp/pwn):6443', '--token', token, '--discovery-token-ca-cert-hash', pin],
    ],
    [
      'a hash that is cut off',
      ['join', 'h:6443', '--token', token, '--discovery-token-ca-cert-hash', pin.slice(0, -2)],
    ],
    [
      'a hash of another kind',
      ['join', 'h:6443', '--token', token, '--discovery-token-ca-cert-hash', `md5:${'ab'.repeat(16)}`],
    ],
    ['no hash, and nothing that says so', ['join', 'h:6443', '--token', token]],
    [
      'a discovery file over http',
      ['join', '--discovery-file', 'http://h/cluster-info', '--tls-bootstrap-token', token],
    ],
    ['reset with a relative folder', ['reset', '--force', '--cert-dir', 'pki']],
  ])('%s is refused', async (_what, args) => {
    expect(await refused(args)).toContain('KB_CONFIG');
  });

  test('never reached the host', async () => {
    finish();
    expect(await connections).not.toContain('Connection from');
    await expect(access('/tmp/pwn')).rejects.toThrow('ENOENT');
  });
});

test('an unknown field and one that is there twice are warnings with their lines, as kubeadm has it', async () => {
  const lines = 'encryptionAlgorithm: ECDSA-P256\nclusterNmae: b\nclusterName: a\nclusterName: b\n';
  const text = document('ClusterConfiguration', lines);
  const path = await file('unknown.yaml', text);
  const run = await kbinit(['init', 'phase', 'certs', 'ca', ...over(lab, 'node1'), '--config', path]);
  expect(run.code, run.stderr).toBe(0);
  expect(run.stderr).toMatch(/warning .*unknown\.yaml, line 4.*clusterNmae/);
  expect(run.stderr).toMatch(/warning .*unknown\.yaml, line 6.*clusterName.*twice/);
});

describe('an answer', () => {
  /** In a shell, which says what became of it. */
  const printed = (pipeline: string): Promise<{ stdout: string; stderr: string }> =>
    promisify(execFile)('bash', ['-c', pipeline, process.execPath, program]);

  test('that nobody reads to its end is no failure', async () => {
    const pipeline = '"$0" "$1" config schema | head -c 1; echo " ${PIPESTATUS[0]}"';
    expect(await printed(pipeline)).toEqual({ stdout: '{ 0\n', stderr: '' });
  });

  test('that a full disk does not take is told', async () => {
    const { stdout, stderr } = await printed('"$0" "$1" config print init-defaults >/dev/full; echo $?');
    expect(stdout).toBe('1\n');
    expect(stderr).toMatch(/^╷ KB_STDOUT .*\n.*ENOSPC.*\n.*make room/);
  });
});

describe('shell metacharacters', () => {
  const evil = `$(touch /tmp/pwn)\`touch /tmp/pwn\`; touch /tmp/pwn & "'\\ \${IFS}|>/tmp/pwn#*?~é`;

  const config = (): string =>
    [
      document(
        'InitConfiguration',
        `nodeRegistration: {kubeletExtraArgs: [{name: node-labels, value: ${JSON.stringify(evil)}}]}\n`,
      ),
      document(
        'ClusterConfiguration',
        [
          'encryptionAlgorithm: ECDSA-P256',
          `clusterName: ${JSON.stringify(evil)}`,
          `certificatesDir: ${JSON.stringify(`/etc/kubernetes/${evil.replaceAll('/', '%')}`)}`,
          `etcd: {local: {dataDir: ${JSON.stringify(`/var/lib/etcd/${evil.replaceAll('/', '%')}`)}, extraArgs: [{name: name, value: ${JSON.stringify(evil)}}]}}`,
          `apiServer: {extraArgs: [{name: audit-log-path, value: ${JSON.stringify(evil)}}], extraEnvs: [{name: EVIL, value: ${JSON.stringify(evil)}}]}`,
          '',
        ].join('\n'),
      ),
    ].join('\n---\n');

  /** The one container of a static Pod. */
  async function container(name: string): Promise<Readonly<Record<string, unknown>>> {
    const pod = readYaml(await inHost(lab, 'node1', `cat /etc/kubernetes/manifests/${name}.yaml`));
    const found = JSON.parse(JSON.stringify(pod)).spec.containers[0];
    return found;
  }

  beforeAll(async () => {
    await wipe(lab, 'node1');
    const path = await file('evil.yaml', config());
    const flags = [...over(lab, 'node1'), '--config', path];
    for (const phase of ['certs all', 'kubeconfig all', 'etcd local', 'control-plane all', 'kubelet-start']) {
      const run = await kbinit(['init', 'phase', ...phase.split(' '), ...flags]);
      expect(run.code, run.stderr).toBe(0);
    }
    await inHost(lab, 'node1', 'systemctl stop kubelet');
  });

  test('are executed neither here nor on the host', async () => {
    await expect(access('/tmp/pwn')).rejects.toThrow('ENOENT');
    expect(await inHost(lab, 'node1', 'find / -xdev -name "pwn*" -newer /etc/hostname')).toBe('');
  });

  test('come to the byte into manifests', async () => {
    const [etcd, apiserver] = await Promise.all([container('etcd'), container('kube-apiserver')]);
    expect(etcd['command']).toContain(`--name=${evil}`);
    expect(etcd['command']).toContain(`--data-dir=/var/lib/etcd/${evil.replaceAll('/', '%')}`);
    expect(apiserver['command']).toContain(`--audit-log-path=${evil}`);
    expect(apiserver['env']).toContainEqual({ name: 'EVIL', value: evil });
  });

  test('come to the byte into names of files and into kubeconfigs', async () => {
    const names = (await inHost(lab, 'node1', 'ls -A /etc/kubernetes')).split('\n');
    expect(names).toContain(evil.replaceAll('/', '%'));
    expect(await inHost(lab, 'node1', 'cat /etc/kubernetes/admin.conf')).toContain(evil.slice(0, 12));
  });

  test("come to the byte into the kubelet's command line", async () => {
    // What systemd makes of the environment file, with a program in the kubelet's place that shows its arguments.
    const show = [
      'printf \'#!/bin/sh\\nprintf "%%s\\\\0" "$@" >/run/shown\\n\' >/usr/local/bin/show-arguments; chmod 755 /usr/local/bin/show-arguments',
      'systemd-run -q --wait -p EnvironmentFile=/var/lib/kubelet/kubeadm-flags.env -p Type=oneshot --unit=show true',
      "printf '[Service]\\nType=oneshot\\nEnvironmentFile=/var/lib/kubelet/kubeadm-flags.env\\nExecStart=/usr/local/bin/show-arguments $KUBELET_KUBEADM_ARGS\\n' >/run/systemd/system/show-arguments.service",
      'systemctl daemon-reload; systemctl start show-arguments; base64 -w0 /run/shown',
    ];
    const shown = Buffer.from(await inHost(lab, 'node1', show.join('\n')), 'base64').toString('utf8');
    expect(shown.split('\0')).toContain(`--node-labels=${evil}`);
  });
});

describe('a join that does not find its cluster', () => {
  let wanted: ReturnType<typeof joinArguments>;

  beforeAll(async () => {
    const run = await init;
    expect(run.code, run.stderr).toBe(0);
    wanted = joinArguments(run.stdout);
    await wipe(lab, 'node1');
    await inHost(lab, 'node1', 'rm -rf /var/lib/kubelet/*; touch /root/marker');
    // A web server with a certificate of its own, and something that speaks no TLS.
    const servers = [
      'openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /run/k.pem -out /run/c.pem -subj /CN=kubernetes -days 2 2>/dev/null',
      'systemd-run -q openssl s_server -quiet -accept 8443 -key /run/k.pem -cert /run/c.pem -www',
      "systemd-run -q socat TCP-LISTEN:8080,fork,reuseaddr SYSTEM:'echo HTTP/1.0 200 OK; echo; echo hello'",
    ];
    await inHost(lab, 'node1', servers.join('\n'));
  });

  interface Wish {
    readonly endpoint?: string;
    readonly token?: string;
    readonly hash?: string;
  }

  /** A join with little patience. */
  async function tryJoin(wish: Wish): Promise<KbinitResult> {
    const text = document(
      'JoinConfiguration',
      `timeouts: {discovery: 3s, tlsBootstrap: 5s}\ndiscovery:\n  bootstrapToken:\n    token: ${wish.token ?? wanted.token}\n    apiServerEndpoint: ${wish.endpoint ?? wanted.endpoint}\n    caCertHashes: ["${wish.hash ?? wanted.hash}"]\n`,
    );
    return kbinit(['join', ...over(lab, 'node1'), '--config', await file('join.yaml', text)]);
  }

  test.each<[string, Wish, string, RegExp]>([
    ['because its CA is not the pinned one', { hash: `sha256:${'ab'.repeat(32)}` }, 'KB_DISCOVERY_PIN', /do not join/],
    [
      'because the secret of its token is wrong',
      { token: 'abcdef.9999999999999999' },
      'KB_DISCOVERY_SIGNATURE',
      /check the token/,
    ],
    ['because nobody knows its token', { token: 'zzzzzz.0123456789abcdef' }, 'KB_TOKEN_UNKNOWN', /make a new one/],
    ['because its token has expired', { token: expired }, 'KB_TOKEN_UNKNOWN', /has expired/],
    ['because nothing listens there', { endpoint: '127.0.0.1:6444' }, 'KB_DISCOVERY_TIMEOUT', /refused/i],
    [
      'because what listens there speaks no TLS',
      { endpoint: '127.0.0.1:8080' },
      'KB_DISCOVERY_TIMEOUT',
      /last answer: .*127\.0\.0\.1:8080|TLS|SSL/,
    ],
    ['because a web server listens there', { endpoint: '127.0.0.1:8443' }, 'KB_DISCOVERY_TIMEOUT', /last answer: /],
  ])('%s says so and writes nothing', async (_why, wish, code, sign) => {
    const run = await tryJoin(wish);
    expect([1, 4], run.stderr).toContain(run.code);
    expect(run.stderr).toContain(`${code} `);
    expect(run.stderr).toMatch(sign);
    expect(run.stderr).not.toContain((wish.token ?? wanted.token).slice(7));
    expect(run.seconds).toBeLessThan(15);
    const written =
      'find /etc /opt /usr /var/lib/kubelet /var/lib/kbinit /root -newer /root/marker 2>/dev/null || true';
    expect(await inHost(lab, 'node1', written)).toBe('');
  });

  test('joins with the right arguments afterwards', async () => {
    const run = await tryJoin({});
    expect(run.code, run.stderr).toBe(0);
  });
});
