// Bootstrap tokens beside the real kubeadm's, and the ways a node finds its cluster: file, URL, token; each forged too.
import { once } from 'node:events';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { detachedJws } from '../../src/certs/jws.ts';
import { caPins } from '../../src/certs/pin.ts';
import { clusterInfoKubeconfig } from '../../src/kubeconfig/kubeconfig.ts';
import { gatewayOf } from '../lab/topology.ts';
import type { Lab } from '../lab/lab.ts';
import { clusterInfo, clusterInfoPath, pki, type Pki } from '../unit/phases/join/fixture.ts';
import { changedPaths, everyFile, output } from './observe.ts';
import {
  clusterConfig,
  eventually,
  joinArguments,
  kbinit,
  over,
  scratch,
  testLab,
  type KbinitResult,
  type RunOptions,
} from './support.ts';
import { unplug } from './support/host.ts';

const realKubeadm = '/usr/local/lib/lab/kubeadm';
const filePath = '/root/discovery.conf';

let lab: Lab;
let wanted: ReturnType<typeof joinArguments>;
let ca: string;
let logs: string;

beforeAll(async () => {
  lab = await testLab('token', 71);
  await lab.up(['master1', 'node1']);
  await lab.recreate(['master1', 'node1']);
  logs = await scratch();
  const init = await kbinit(['init', ...over(lab, 'master1'), '--config', await clusterConfig(), '--cni', 'flannel']);
  expect(init.code, init.stderr).toBe(0);
  wanted = joinArguments(init.stdout);
  ca = await output(lab, 'master1', 'cat /etc/kubernetes/pki/ca.crt');
});

afterAll(async () => {
  if (process.env['KBINIT_TEST_KEEP'] === undefined) await lab.down();
});

/** `kbinit token …` through master1. */
function token(args: readonly string[], options: RunOptions = {}): Promise<KbinitResult> {
  const [verb = '', ...rest] = args;
  return kbinit(['token', verb, ...over(lab, 'master1'), ...rest], {
    ...options,
    environment: { KBINIT_LOG_DIR: logs, ...options.environment },
  });
}

/** The real kubeadm's `token …` on master1. */
async function kubeadm(args: string): Promise<string> {
  const { code, stdout, stderr } = await lab.exec('master1', `${realKubeadm} token ${args}`);
  expect(code, stderr).toBe(0);
  return stdout;
}

async function made(args: readonly string[] = []): Promise<string> {
  const run = await token(['create', ...args]);
  expect(run.code, run.stderr).toBe(0);
  return run.stdout.trim();
}

async function secretNames(): Promise<string> {
  const { stdout } = await lab.kubectl(['get', 'secrets', '-n', 'kube-system', '-o', 'name']);
  return stdout;
}

describe('tokens', () => {
  beforeAll(async () => {
    await made(['--description', 'for node1', '--ttl', '2h30m']);
    await made(['--ttl', '0']);
    await made([
      '--usages',
      'signing',
      '--description',
      'a description that is longer than the fifty-six characters it has',
    ]);
    await made(['--groups', 'system:bootstrappers:a,system:bootstrappers:b', '--usages=authentication']);
  });

  test.each([
    'text',
    'json',
    'yaml',
    'kyaml',
    'jsonpath={.token} {.usages} {.groups}',
    'go-template={{println .token .expires .usages}}',
  ])('are listed as by kubeadm, as %s', async (format) => {
    // The time that is left may tick between the two.
    await eventually(`the same list as ${format}`, 10, async () => {
      const [ours, theirs] = [await token(['list', '-o', format]), await kubeadm(`list -o '${format}'`)];
      expect(ours.code, ours.stderr).toBe(0);
      expect(ours.stdout).toBe(theirs);
      return true;
    });
  });

  test('are made as kubeadm makes them', async () => {
    const [ours, theirs] = [await made(), (await kubeadm('create')).trim()];
    const secret = async (text: string): Promise<string> => {
      const name = `bootstrap-token-${text.slice(0, 6)}`;
      const { stdout } = await lab.kubectl(['get', 'secret', '-n', 'kube-system', name, '-o', 'json']);
      const { type, data }: { type: string; data: Record<string, string> } = JSON.parse(stdout);
      const fixed = { 'token-id': '', 'token-secret': '', expiration: '' };
      return JSON.stringify({ type, keys: Object.keys(data).toSorted(), data: { ...data, ...fixed } });
    };
    expect(ours).toMatch(/^[a-z0-9]{6}\.[a-z0-9]{16}$/);
    expect(await secret(ours)).toBe(await secret(theirs));
  });

  test('come with the join command that kubeadm prints, in one line', async () => {
    const [first, second] = ['aaaaaa.0123456789abcdef', 'bbbbbb.0123456789abcdef'];
    const key = 'ab'.repeat(32);
    const [, , ...reach] = over(lab, 'master1');
    // First for here, where NODE stands for the host; then what kubeadm prints, for the node itself.
    const both = (text: string): string =>
      text.replace(/kubeadm (join \S+)/, `kbinit $1 --host root@NODE ${reach.join(' ')}`) + text;
    const worker = await token(['create', first, '--print-join-command']);
    expect(worker.stdout).toBe(both((await kubeadm(`create ${second} --print-join-command`)).replace(second, first)));
    const [third, fourth] = ['cccccc.0123456789abcdef', 'dddddd.0123456789abcdef'];
    const controlPlane = await token(
      ['create', '--token-file', '-', '--print-join-command', '--certificate-key', key],
      {
        stdin: third,
      },
    );
    const theirs = await kubeadm(`create ${fourth} --print-join-command --certificate-key ${key}`);
    expect(controlPlane.stdout).toBe(both(theirs.replace(fourth, third)));
  });

  test('of a configuration file are all made, and the first is printed', async () => {
    const text = `apiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\nbootstrapTokens:\n- token: eeeeee.0123456789abcdef\n  ttl: 1h\n- description: second\n`;
    const path = join(await scratch(), 'tokens.yaml');
    await writeFile(path, text);
    const run = await token(['create', '--config', path]);
    expect(run.stdout).toBe('eeeeee.0123456789abcdef\n');
    expect(await kubeadm('list')).toMatch(/second/);
  });

  test('are removed by id and whole; one that is not there is told and does not keep the others', async () => {
    const [first, second] = [await made(), await made()];
    const run = await token(['delete', first, 'zzzzzz', second.slice(0, 6)]);
    expect(run.stdout).toBe(
      `bootstrap token "${first.slice(0, 6)}" deleted\nbootstrap token "${second.slice(0, 6)}" deleted\n`,
    );
    expect(run.stderr).toContain('KB_TOKEN_UNKNOWN');
    expect(run.stderr).toContain('bootstrap-token-zzzzzz');
    expect(run.code).toBe(1);
    const left = await kubeadm('list');
    expect(left).not.toContain(first);
    expect(left).not.toContain(second);
  });

  test.each([
    ['an id that is taken', ['create', 'aaaaaa.9999999999999999'], 'KB_TOKEN_EXISTS'],
    ['what is no token', ['create', 'foobar'], 'KB_CONFIG'],
    ['a group of another kind', ['create', '--groups', 'foo'], 'KB_CONFIG'],
    ['a certificate key alone', ['create', '--certificate-key', 'ab'.repeat(32)], 'KB_CONFIG'],
    ['no id to remove', ['delete', 'no-token', 'aaaaaa'], 'KB_USAGE'],
    ['a kubeconfig that is not there', ['create', '--kubeconfig', '/nowhere'], 'KB_KUBECONFIG_MISSING'],
  ])('are not touched for %s', async (_, args, code) => {
    const before = await secretNames();
    const run = await token(args);
    expect(run.code).toBe(1);
    expect(run.stderr).toContain(code);
    expect(run.stdout).toBe('');
    expect(await secretNames()).toBe(before);
  });

  test('are not touched by a dry run, which tells its plan', async () => {
    const before = await secretNames();
    const create = await token(['create', '--dry-run', '--print-join-command']);
    expect(create.stdout).toMatch(/create Secret kube-system\/bootstrap-token-[a-z0-9]{6}/);
    const [id = ''] = wanted.token.split('.');
    const remove = await token(['delete', '--dry-run', id]);
    expect(remove.stdout).toContain(`remove Secret kube-system/bootstrap-token-${id}`);
    expect([create.code, remove.code]).toEqual([0, 0]);
    const unknown = await token(['delete', '--dry-run', 'nosuch']);
    expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining('KB_TOKEN_UNKNOWN')]);
    expect(create.stdout).not.toContain('kbinit join');
    expect(await secretNames()).toBe(before);
  });

  test('that cannot be read are told beside the list of the others', async () => {
    const broken = ['--type=bootstrap.kubernetes.io/token', '--from-literal=token-id=broken'];
    const name = 'bootstrap-token-broken';
    const { code } = await lab.kubectl(['create', 'secret', 'generic', '-n', 'kube-system', name, ...broken]);
    expect(code).toBe(0);
    try {
      const run = await token(['list']);
      expect(run.code).toBe(0);
      expect(run.stderr).toContain('Secret bootstrap-token-broken has no token-secret');
      expect(run.stdout).toBe(await kubeadm('list 2>/dev/null'));
    } finally {
      await lab.kubectl(['delete', 'secret', '-n', 'kube-system', name]);
    }
  });

  test('leave no secret half in any log', async () => {
    const secret = 'q'.repeat(16);
    await made([`qqqqqq.${secret}`, '-v', '3']);
    await token(['list', '-v', '3']);
    await token(['delete', `qqqqqq.${secret}`, '-v', '3']);
    const files = await readdir(logs);
    const texts = await Promise.all(files.map((file) => readFile(join(logs, file), 'utf8')));
    expect(texts.length).toBeGreaterThan(3);
    expect(texts.some((text) => text.includes('qqqqqq'))).toBe(true);
    expect(
      texts.filter((text) => text.includes(secret) || text.includes(Buffer.from(secret).toString('base64'))),
    ).toEqual([]);
  });
});

/** A kubeconfig as --discovery-file takes it. */
function discoveryFile(server: string, user: Readonly<Record<string, string>>): string {
  return JSON.stringify({
    clusters: [{ name: 'c', cluster: { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
    users: [{ name: 'u', user }],
  });
}

function joinNode1(args: readonly string[], options: RunOptions = {}): Promise<KbinitResult> {
  return kbinit(['join', ...over(lab, 'node1'), ...args], options);
}

async function onNode1(path: string, text: string): Promise<void> {
  const { code } = await lab.exec('node1', `umask 077; cat > ${path}`, { stdin: text });
  expect(code).toBe(0);
}

async function joined(run: KbinitResult): Promise<void> {
  expect(run.code, run.stderr).toBe(0);
  await eventually('node1 to be Ready', 60, async () =>
    / Ready /.test((await lab.kubectl(['get', 'node', 'node1', '--no-headers'])).stdout),
  );
  // The credentials of the bootstrap have done their work (R68).
  expect(await output(lab, 'node1', 'ls -A /etc/kubernetes')).toBe('kubelet.conf\nmanifests\npki\n');
}

async function resetNode1(): Promise<void> {
  const reset = await kbinit(['reset', ...over(lab, 'node1'), '--force']);
  expect(reset.code, reset.stderr).toBe(0);
  await unplug(lab, 'node1');
  expect((await lab.kubectl(['delete', 'node', 'node1'])).code).toBe(0);
}

/** A TLS server on this machine that hosts of the lab reach, ended with the file. */
async function serve({ cert, key }: Pki, answer: (path: string) => string | Promise<string>): Promise<string> {
  const server: Server = createServer({ cert, key }, (incoming, response) => {
    Promise.resolve(answer(incoming.url ?? '')).then(
      (text) => response.writeHead(text === '' ? 404 : 200).end(text),
      () => response.writeHead(500).end(),
    );
  });
  const address = gatewayOf(lab.subnet);
  server.listen(0, address);
  await once(server, 'listening');
  servers.push(server);
  return `${address}:${portOf(server.address())}`;
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return address.port;
}

const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

describe('a node finds its cluster', () => {
  test('by a file on its host, with a token in it; and again without a change', async () => {
    await onNode1(filePath, discoveryFile(`https://${wanted.endpoint}`, { token: wanted.token }));
    await joined(await joinNode1(['--discovery-file', filePath]));
    const again = await joinNode1(['--discovery-file', filePath]);
    expect(again.code, again.stderr).toBe(0);
    expect(again.stderr).toMatch(/no changes/);
    await resetNode1();
  });

  test('by a file that logs in with a client certificate', async () => {
    await onNode1(filePath, await output(lab, 'master1', 'cat /etc/kubernetes/admin.conf'));
    await joined(await joinNode1(['--discovery-file', `file://${filePath}`]));
    await resetNode1();
  });

  test('by an https URL whose CA its host trusts, with a token beside it', async () => {
    const server = await pki('ECDSA-P256', ['files.example']);
    const place = await serve(server, (path) =>
      path === '/cluster.conf' ? discoveryFile(`https://${wanted.endpoint}`, {}) : '',
    );
    const [address = '', port = ''] = place.split(':');
    const url = `https://files.example:${port}/cluster.conf`;
    await output(lab, 'node1', `echo '${address} files.example' >> /etc/hosts`);
    const args = ['--discovery-file', url, '--tls-bootstrap-token', wanted.token];

    const before = await everyFile(lab, 'node1');
    const refused = await joinNode1(args);
    expect(refused.code, refused.stderr).toBe(4);
    expect(refused.stderr).toContain('KB_DISCOVERY_TLS');
    expect(changedPaths(before, await everyFile(lab, 'node1'))).toEqual([]);

    await lab.exec('node1', 'cat >> /etc/ssl/certs/ca-certificates.crt', { stdin: server.ca });
    await joined(await joinNode1(args));
    await resetNode1();
  });

  test('by the command that token create prints, with its address for NODE', async () => {
    const run = await token(['create', '--ttl', '15m', '--print-join-command']);
    const [printed = ''] = run.stdout.split('\n');
    const [program, ...args] = printed.replace('NODE', lab.host('node1').address).trim().split(/ +/);
    expect(program).toBe('kbinit');
    await joined(await kbinit(args));
    await resetNode1();
  });
});

test('the kubeconfig that is fetched works with kubectl, is private, and is not written over', async () => {
  const path = join(await scratch(), '.kube', 'config');
  const get = ['kubeconfig', 'get', ...over(lab, 'master1'), '-o', path];
  const run = await kbinit(get);
  expect(run.code, run.stderr).toBe(0);
  expect(run.stderr).not.toContain('does not answer');
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  const kubectl = 'cat > /tmp/fetched && kubectl --kubeconfig /tmp/fetched get node master1 -o name';
  const nodes = await lab.exec('master1', kubectl, { stdin: await readFile(path, 'utf8') });
  expect(nodes.stdout).toBe('node/master1\n');
  expect((await kbinit(get)).code).toBe(0);
  await writeFile(path, 'mine');
  const refused = await kbinit(get);
  expect(refused.stderr).toContain('KB_FILE_EXISTS');
  expect(await readFile(path, 'utf8')).toBe('mine');
});

describe('a node does not join, and nothing is written on its host', () => {
  let theirs: Pki;
  let payload: string;
  const [tokenId, tokenSecret] = ['ffffff', '0123456789abcdef'];

  beforeAll(async () => {
    theirs = await pki('ECDSA-P384');
    await made([`${tokenId}.${tokenSecret}`]);
    payload = clusterInfoKubeconfig({ server: `https://${wanted.endpoint}`, ca });
  });

  /** The real cluster's answer, as somebody between a node and the cluster would pass it on. */
  function relayed(path: string): Promise<string> {
    const [host = '', port = ''] = wanted.endpoint.split(':');
    return new Promise((resolve, reject) => {
      const sent = request({ host, port, path, rejectUnauthorized: false }, (incoming) => {
        let text = '';
        incoming.setEncoding('utf8');
        incoming.on('data', (part: string) => (text += part));
        incoming.once('end', () => resolve(text));
      });
      sent.on('error', reject);
      sent.end();
    });
  }

  function signed(text: string, secret = tokenSecret): string {
    const jws = detachedJws({ tokenId, tokenSecret: secret, payload: text });
    return clusterInfo(text, jws).replaceAll('jws-kubeconfig-abcdef', `jws-kubeconfig-${tokenId}`);
  }

  const pinned = (): readonly string[] => ['--discovery-token-ca-cert-hash', wanted.hash];
  const by = (place: string, more: readonly string[] = pinned()): readonly string[] => [
    place,
    '--token',
    `${tokenId}.${tokenSecret}`,
    ...more,
  ];

  test.each<[string, () => Promise<readonly string[]>, string, number, RegExp]>([
    [
      'where the pin is of another CA',
      async () => by(wanted.endpoint, ['--discovery-token-ca-cert-hash', caPins(theirs.ca)[0] ?? '']),
      'KB_DISCOVERY_PIN',
      4,
      /pinned is sha256:/,
    ],
    [
      'where somebody who knows the token shows a CA of his own',
      async () => {
        const own = clusterInfoKubeconfig({ server: `https://${wanted.endpoint}`, ca: theirs.ca });
        return by(await serve(theirs, (path) => (path === clusterInfoPath ? signed(own) : '')));
      },
      'KB_DISCOVERY_PIN',
      4,
      /do not join/,
    ],
    [
      'where cluster-info was signed with another secret',
      async () => by(await serve(theirs, () => signed(payload, '9999999999999999'))),
      'KB_DISCOVERY_SIGNATURE',
      4,
      /do not join/,
    ],
    [
      'where cluster-info was changed on the way',
      async () => by(await serve(theirs, async (path) => (await relayed(path)).replaceAll(':6443', ':6444'))),
      'KB_DISCOVERY_SIGNATURE',
      4,
      /do not join/,
    ],
    [
      'where somebody passes on what the real cluster says',
      async () => by(await serve(theirs, relayed)),
      'KB_DISCOVERY_TLS',
      4,
      /the pinned CA did not sign/,
    ],
    [
      'where a discovery file leads to a server of another CA',
      async () => {
        const place = await serve(theirs, relayed);
        await onNode1(filePath, discoveryFile(`https://${place}`, { token: wanted.token }));
        return ['--discovery-file', filePath];
      },
      'KB_DISCOVERY_TLS',
      4,
      /do not join/,
    ],
    ['for an http URL', async () => ['--discovery-file', 'http://files.example/a'], 'KB_CONFIG', 1, /http is refused/],
    [
      'for a file that is not there',
      async () => ['--discovery-file', '/nowhere'],
      'KB_DISCOVERY_FILE',
      1,
      /\/nowhere does not exist/,
    ],
    [
      'for a file that says nothing about who to be',
      async () => {
        await onNode1(filePath, discoveryFile(`https://${wanted.endpoint}`, {}));
        return ['--discovery-file', filePath];
      },
      'KB_DISCOVERY_CREDENTIALS',
      1,
      /--tls-bootstrap-token/,
    ],
    [
      'without a pin, unless it is said that this is wanted',
      async () => by(wanted.endpoint, []),
      'KB_CONFIG',
      1,
      /--discovery-token-unsafe-skip-ca-verification/,
    ],
  ])('%s', async (_, prepare, code, exit, text) => {
    const args = await prepare();
    const before = await everyFile(lab, 'node1');
    const run = await joinNode1(args, { environment: { KBINIT_LOG_DIR: logs } });
    expect(run.stderr).toContain(`${code} `);
    expect(run.stderr).toMatch(text);
    expect(run.code, run.stderr).toBe(exit);
    // A check that fails is no reason to wait for the five minutes that a cluster may take to answer.
    expect(run.seconds).toBeLessThan(60);
    expect(changedPaths(before, await everyFile(lab, 'node1'))).toEqual([]);
  });

  test('by a cluster that it cannot recognise, without a warning in the log', async () => {
    const unsafe = ['--discovery-token-unsafe-skip-ca-verification'];
    const run = await joinNode1(by(wanted.endpoint, unsafe), { environment: { KBINIT_LOG_DIR: logs } });
    expect(run.stderr).toContain('the CA is not pinned');
    const newest = (await readdir(logs)).toSorted().at(-1) ?? '';
    expect(await readFile(join(logs, newest), 'utf8')).toContain('the CA is not pinned');
    await joined(run);
  });
});
