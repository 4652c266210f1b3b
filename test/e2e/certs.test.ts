// Certificates on real hosts: their ends, renewal when they have expired, real kubeadm on kbinit's PKI and the other way
// round, and supplied or damaged files that are refused and left alone.
import { readdir, readFile } from 'node:fs/promises';
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
  scratch,
  testLab,
  type KbinitResult,
} from './support.ts';

const kubeadm = '/usr/local/lib/lab/kubeadm';
let lab: Lab;
let home: string;
let init: KbinitResult;
let config: string;

/** Run kbinit over SSH on the control plane, with a home of its own. */
const run = (...args: readonly string[]): Promise<KbinitResult> =>
  kbinit([...args, ...over(lab, 'master1')], { environment: { HOME: home } });

async function onHost(script: string): Promise<string> {
  const { code, stdout, stderr } = await lab.exec('master1', script);
  if (code !== 0) throw new Error(`${script}: ${stderr}`);
  return stdout;
}

/** Modes, owners and paths of everything secret or static. */
const modes = `stat -c '%a %U:%G %n' /etc/kubernetes/*.conf /etc/kubernetes/manifests /etc/kubernetes/manifests/*.yaml /etc/kubernetes/pki \
  /etc/kubernetes/pki/etcd /etc/kubernetes/pki/*.* /etc/kubernetes/pki/etcd/*.* /var/lib/kubelet/config.yaml \
  /var/lib/kubelet/instance-config.yaml /var/lib/kubelet/kubeadm-flags.env /var/lib/etcd`;

function wrongModes(table: string): readonly string[] {
  const wanted = (path: string): string => {
    if (path === '/etc/kubernetes/manifests' || path === '/var/lib/etcd') return '700';
    if (path.endsWith('/pki') || path.endsWith('/pki/etcd')) return '755';
    return path.endsWith('.crt') || path.startsWith('/var/lib/kubelet') ? '644' : '600';
  };
  return table
    .trim()
    .split('\n')
    .filter((line) => line !== `${wanted(line.split(' ')[2] ?? '')} root:root ${line.split(' ')[2] ?? ''}`);
}

interface Expiry {
  readonly name: string;
  readonly expirationDate: string;
  readonly residualTime: number;
  readonly missing: boolean;
}

async function expirations(): Promise<readonly Expiry[]> {
  const { stdout, stderr, code } = await run('certs', 'check-expiration', '-o', 'json');
  if (code !== 0) throw new Error(stderr);
  const document: { certificates: Expiry[]; certificateAuthorities: Expiry[] } = JSON.parse(stdout);
  return [...document.certificates, ...document.certificateAuthorities];
}

/** The end of each certificate as openssl reads it on the host. */
async function opensslEnds(): Promise<Record<string, string>> {
  const text = await onHost(`cd /etc/kubernetes
    for f in pki/*.crt pki/etcd/*.crt; do echo "$f $(openssl x509 -noout -enddate -dateopt iso_8601 -in $f)"; done
    for f in admin super-admin controller-manager scheduler; do
      echo "$f.conf $(sed -n 's/.*client-certificate-data: //p' $f.conf | base64 -d | openssl x509 -noout -enddate -dateopt iso_8601)"
    done`);
  const nameOf = (path: string): string =>
    path
      .replace(/^pki\//, '')
      .replace(/\.crt$/, '')
      .replace('etcd/', 'etcd-');
  return Object.fromEntries(
    text
      .trim()
      .split('\n')
      .map((line) => /^(\S+) notAfter=(\S+) (\S+Z)$/.exec(line) ?? [])
      .map(([, path = '', date = '', time = '']) => [nameOf(path), `${date}T${time}`]),
  );
}

/** Make the static Pods' containers start again, as after any renewal. */
const restartPods = `for c in kube-apiserver kube-controller-manager kube-scheduler etcd; do
  for id in $(crictl ps -q --name "^$c$"); do crictl stop -t 5 "$id" >/dev/null; done; done`;

const nodeIsReady = async (): Promise<boolean> => {
  const { stdout } = await lab.kubectl(['get', 'nodes', '-o', 'jsonpath={.items[0].status.conditions[-1].type}']);
  return stdout.includes('Ready');
};

beforeAll(async () => {
  lab = await testLab('certs', 49);
  home = await scratch();
  await lab.up(['master1']);
  await lab.recreate(['master1']);
  // The kubelet's package makes it, open to everybody, and what exists keeps its mode.
  await onHost('rmdir /etc/kubernetes/manifests');
  config = await clusterConfig({ cluster: 'certificateValidityPeriod: 2m0s\n' });
  init = await run('init', '--config', config);
  expect(init.stderr + init.stdout).toContain('initialized successfully');
});

afterAll(async () => {
  if (process.env['KBINIT_TEST_KEEP'] === undefined) await lab.down();
});

describe('certificates that live for two minutes (R53)', () => {
  test('check-expiration is exact to the second', async () => {
    const [found, ends] = [await expirations(), await opensslEnds()];
    expect(Object.fromEntries(found.map(({ name, expirationDate }) => [name, expirationDate]))).toEqual(ends);
    expect(found).toHaveLength(14);
  });

  test('it warns of each that ends soon, with the command that helps', async () => {
    const { stderr } = await run('certs', 'check-expiration');
    expect(stderr).toContain('renew it: `kbinit certs renew apiserver --host');
    expect(stderr).not.toContain('going on with the defaults');
  });

  test('modes and owners are right after init (R65)', async () => {
    expect(wrongModes(await onHost(modes))).toEqual([]);
  });

  test('renew works when all of them have expired, and the cluster comes back', async () => {
    const last = Math.max(
      ...(await expirations())
        .filter(({ residualTime }) => residualTime < 3600)
        .map(({ residualTime }) => residualTime),
    );
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, last + 2) * 1000));
    expect((await expirations()).filter(({ residualTime }) => residualTime < 0)).toHaveLength(11);
    const longer = await clusterConfig();
    const renewed = await run('certs', 'renew', 'all', '--config', longer);
    expect(renewed.stderr).not.toContain('KB_');
    expect(renewed.stdout.match(/ renewed, valid until /g)).toHaveLength(11);
    await onHost(restartPods);
    await eventually('the node to be Ready with renewed certificates', 120, nodeIsReady);
    const soon = (await expirations()).filter(({ residualTime }) => residualTime < 360 * 24 * 3600);
    expect(soon).toEqual([]);
  });

  test('modes and owners are right after a renewal (R65), also of a key that everybody could read', async () => {
    await onHost('chmod 644 /etc/kubernetes/pki/apiserver.key && chown 1000 /etc/kubernetes/pki/apiserver.key');
    expect((await run('certs', 'renew', 'apiserver')).code).toBe(0);
    expect(wrongModes(await onHost(modes))).toEqual([]);
  });
});

describe('real kubeadm on the same host', () => {
  test('its check-expiration shows the same as kbinit’s', async () => {
    const [theirs, ours] = [
      await onHost(`${kubeadm} certs check-expiration -o yaml 2>/dev/null`),
      await run('certs', 'check-expiration', '-o', 'yaml'),
    ];
    const steady = (text: string): string => text.replaceAll(/residualTime: \d+/g, 'residualTime: N');
    expect(steady(ours.stdout)).toBe(steady(theirs));
    expect(theirs).not.toContain('missing: true');
  });

  test('its renew all works on kbinit’s PKI, kbinit’s on what it made, and the API server takes both', async () => {
    expect(await onHost(`${kubeadm} certs renew all 2>&1`)).toContain('Done renewing certificates');
    await eventually('the API server to take kubeadm’s admin.conf', 60, nodeIsReady);
    const before = await opensslEnds();
    const renewed = await run('certs', 'renew', 'all');
    expect([renewed.code, renewed.stdout.match(/ renewed, /g)?.length]).toEqual([0, 11]);
    await eventually('the API server to take kbinit’s admin.conf', 60, nodeIsReady);
    expect(await opensslEnds()).not.toEqual(before);
    expect(await onHost(`${kubeadm} certs check-expiration 2>&1`)).not.toContain('MISSING');
  });

  test('openssl verifies every chain', async () => {
    const said = await onHost(`cd /etc/kubernetes/pki
      openssl verify -x509_strict -CAfile ca.crt apiserver.crt apiserver-kubelet-client.crt
      openssl verify -x509_strict -CAfile front-proxy-ca.crt front-proxy-client.crt
      openssl verify -x509_strict -CAfile etcd/ca.crt etcd/server.crt etcd/peer.crt etcd/healthcheck-client.crt apiserver-etcd-client.crt
      for f in admin super-admin controller-manager scheduler; do
        sed -n 's/.*client-certificate-data: //p' ../$f.conf | base64 -d | openssl verify -x509_strict -CAfile ca.crt
      done`);
    expect(said.match(/: OK$/gm)).toHaveLength(11);
  });
});

test('a kubeconfig for one more user is who it says, and has the rights of its groups', async () => {
  const made = await run(
    'kubeconfig',
    'user',
    '--client-name',
    'jane',
    '--org',
    'system:masters',
    '--validity-period',
    '1h',
  );
  expect([made.code, made.stderr.includes('KB_')]).toEqual([0, false]);
  const said = await lab.exec(
    'master1',
    `cat > /root/jane.conf <<'X'\n${made.stdout}X\nkubectl --kubeconfig /root/jane.conf auth whoami -o json`,
  );
  const review: { status: { userInfo: { username: string; groups: string[] } } } = JSON.parse(said.stdout);
  expect(review.status.userInfo).toMatchObject({
    username: 'jane',
    groups: expect.arrayContaining(['system:masters']),
  });
});

test('no private key was ever on the disk of the machine that runs kbinit (R67)', async () => {
  const files = await readdir(home, { recursive: true, withFileTypes: true });
  const texts = await Promise.all(
    files.filter((file) => file.isFile()).map((file) => readFile(join(file.parentPath, file.name), 'utf8')),
  );
  expect(texts.length).toBeGreaterThan(5);
  expect(texts.filter((text) => text.includes('PRIVATE KEY') || text.includes('client-key-data: LS0'))).toEqual([]);
});

describe('init over a PKI that is not right (R09, R44)', () => {
  const snapshot = `cd /etc/kubernetes && find . -type f -printf '%p %m %U %i %T@\\n' | sort`;
  const phase = (): Promise<KbinitResult> => run('init', 'phase', 'certs', 'all', '--config', config);

  beforeAll(async () => {
    await lab.recreate(['master1']);
    config = await clusterConfig({ cluster: 'encryptionAlgorithm: ECDSA-P256\n' });
    expect((await phase()).code).toBe(0);
    await onHost('rm -rf /var/lib/kbinit && cp -a /etc/kubernetes/pki /root/pki');
  });

  test.each([
    ['a CA that has expired', 'openssl x509 -in ca.crt -signkey ca.key -days -1 -out x && mv x ca.crt', 'KB_CERT_'],
    ['the key of another certificate', 'cp apiserver-kubelet-client.key apiserver.key', 'KB_CERT_KEY_MISMATCH'],
    ['a certificate that is cut off', 'truncate -s 100 etcd/server.crt', 'KB_CERT_INVALID'],
    ['an empty CA key', ': > ca.key', 'KB_CERT_INVALID'],
    ['a CA key that is gone, and a leaf with it', 'rm etcd/ca.key etcd/peer.crt etcd/peer.key', 'KB_CA_KEY_MISSING'],
    [
      'a certificate of another CA',
      'cp etcd/server.crt apiserver.crt; cp etcd/server.key apiserver.key',
      'KB_CERT_CHAIN',
    ],
  ])('%s is refused, and nothing is touched', async (_what, damage, code) => {
    await onHost(
      `rm -rf /etc/kubernetes/pki && cp -a /root/pki /etc/kubernetes/pki && cd /etc/kubernetes/pki && { ${damage}; }`,
    );
    const before = await onHost(snapshot);
    const { code: exit, stderr } = await phase();
    expect(stderr).toContain(code);
    expect(exit).toBe(1);
    expect(await onHost(snapshot)).toBe(before);
  });

  test('kbinit’s renew works on a PKI that kubeadm made', async () => {
    await onHost(`rm -rf /etc/kubernetes/* && for p in certs kubeconfig; do ${kubeadm} init phase $p all; done`);
    const { code, stdout } = await run('certs', 'renew', 'all');
    expect([code, stdout.match(/ renewed, /g)?.length]).toEqual([0, 11]);
    expect(await onHost(`${kubeadm} init phase certs all 2>&1`)).toContain(
      'Using existing apiserver certificate and key on disk',
    );
  });
});

describe('CAs that are not self-signed', () => {
  /** Each is signed by a root that is on no host. */
  const intermediates = `mkdir -p /etc/kubernetes/pki/etcd && cd /etc/kubernetes/pki
    openssl req -x509 -newkey rsa:2048 -nodes -keyout /root/root.key -out /root/root.crt -subj /CN=root -days 30 2>&1
    for name in ca front-proxy-ca etcd/ca; do
      openssl req -newkey rsa:2048 -nodes -keyout $name.key -subj "/O=Example/CN=$(echo $name | tr / -)" -out /root/x.csr 2>&1
      printf 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n' > /root/x.ext
      openssl x509 -req -in /root/x.csr -CA /root/root.crt -CAkey /root/root.key -CAcreateserial -days 20 -extfile /root/x.ext -out $name.crt 2>&1
    done; chmod 600 *.key etcd/*.key; rm /root/root.key /root/root.crt /root/x.*`;
  const forCluster = (...args: readonly string[]): Promise<KbinitResult> =>
    kbinit([...args, ...over(lab, 'master1')], { environment: { HOME: home } });

  beforeAll(async () => {
    await lab.up(['master1', 'node1']);
    await lab.recreate(['master1', 'node1']);
    await onHost(intermediates);
    config = await clusterConfig();
    init = await forCluster('init', '--config', config);
  });

  test('init ends well, and the API and etcd are asked', async () => {
    expect(init.stderr + init.stdout).toContain('initialized successfully');
    expect(await forCluster('token', 'list')).toMatchObject({ code: 0 });
    expect(await forCluster('etcd', 'status')).toMatchObject({ code: 0 });
  });

  test('a worker joins', async () => {
    const wanted = joinArguments(init.stdout);
    const options = { environment: { HOME: home }, stdin: wanted.token };
    expect(await kbinit([...joinFlags(wanted), ...over(lab, 'node1')], options)).toMatchObject({ code: 0 });
  });

  test('two certificates beside the key of the cluster CA are refused, as kube-controller-manager does', async () => {
    await onHost('cd /etc/kubernetes/pki && cat front-proxy-ca.crt >> ca.crt');
    const { code, stderr } = await forCluster('init', 'phase', 'certs', 'ca', '--config', config);
    expect([code, stderr]).toEqual([1, expect.stringContaining('holds 2 certificates')]);
  });
});
