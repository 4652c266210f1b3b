import { X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { readCertificates } from '../../../src/certs/x509.ts';
import { KbError, type Problem } from '../../../src/errors.ts';
import { localEndpoint, sharedEndpoint } from '../../../src/kubeconfig/endpoint.ts';
import {
  ensureKubeconfigs,
  kubeconfigFileNames,
  kubeconfigPlan,
  type KubeconfigRequest,
  type KubeconfigResult,
} from '../../../src/kubeconfig/files.ts';
import { clientOf, renderKubeconfig } from '../../../src/kubeconfig/kubeconfig.ts';
import { fixedRandomSource } from '../../fakes/keys.ts';
import { fileOf, freshPki, now, pkiDir, spec, version, type CertificateSpec } from '../certs/fixture.ts';

let pki = new Map<string, string>();
let done = new Map<string, string>();
beforeAll(async () => {
  pki = await freshPki();
  done = new Map([...pki, ...filesOf(await ensure(pki))]);
});

function ensure(
  existing: ReadonlyMap<string, string>,
  change: Partial<KubeconfigRequest> = {},
  from: CertificateSpec = spec(),
): Promise<KubeconfigResult> {
  return ensureKubeconfigs({ ...from, existing, chance: fixedRandomSource(), now, ...change });
}

function filesOf({ artifacts }: KubeconfigResult): Map<string, string> {
  return new Map(artifacts.map(({ path, body }) => [path, body]));
}

async function problemsOf(result: Promise<unknown>): Promise<readonly Problem[]> {
  const error: unknown = await result.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof KbError) return error.problems;
  throw new Error('nothing was refused', { cause: error });
}

const codes = (problems: readonly Problem[]): readonly string[] =>
  problems.map(({ code, phase }) => `${code} ${phase}`);
const adminConf = '/etc/kubernetes/admin.conf';

function withAdmin(text: string): Map<string, string> {
  return new Map([...done, [adminConf, text]]);
}

describe('on a host without kubeconfigs', () => {
  test('all are made, 0600 and secret', async () => {
    const { artifacts, items } = await ensure(pki);
    expect(artifacts.map(({ path }) => path)).toEqual(
      ['admin', 'super-admin', 'kubelet', 'controller-manager', 'scheduler'].map(
        (name) => `/etc/kubernetes/${name}.conf`,
      ),
    );
    expect(artifacts.filter(({ mode, secret }) => mode !== 0o600 || secret !== true)).toEqual([]);
    expect(new Set(items.map(({ outcome }) => outcome))).toEqual(new Set(['created']));
  });

  test('each has a client certificate of the cluster’s CA that begins with it', async () => {
    const text = filesOf(await ensure(pki)).get('/etc/kubernetes/kubelet.conf') ?? '';
    const { clientCert = '', clientKey = '', ca } = clientOf(text, 'kubelet.conf');
    const [certificate] = readCertificates(clientCert);
    expect(certificate?.x509.verify(new X509Certificate(ca).publicKey)).toBe(true);
    expect(certificate).toMatchObject({
      subject: { commonName: 'system:node:master1', organizations: ['system:nodes'] },
      usages: ['clientAuth'],
      notBefore: readCertificates(ca)[0]?.notBefore,
      notAfter: new Date('2027-11-21T02:54:13Z'),
    });
    expect(clientKey).toContain('RSA PRIVATE KEY');
  });

  test('only what was asked for is made, in the folder that was asked for', async () => {
    const { artifacts } = await ensure(pki, { only: ['scheduler'], folder: '/tmp/x' });
    expect(artifacts.map(({ path }) => path)).toEqual(['/tmp/x/scheduler.conf']);
  });

  test('only the first certificate of a CA bundle goes into a kubeconfig', async () => {
    const bundle = new Map([...pki, [`${pkiDir}/ca.crt`, fileOf(pki, 'ca.crt') + fileOf(pki, 'etcd/ca.crt')]]);
    const text = filesOf(await ensure(bundle)).get(adminConf) ?? '';
    expect(clientOf(text, adminConf).ca).toBe(fileOf(pki, 'ca.crt'));
  });

  test.each([
    ['v1.30.14', 'RSA-2048'],
    ['v1.31.14', 'ECDSA-P256'],
  ])('the keys follow encryptionAlgorithm since 1.31: %s makes %s', async (release, algorithm) => {
    const from = spec({ version: version(release), encryptionAlgorithm: 'ECDSA-P256' });
    const chance = fixedRandomSource();
    await ensure(pki, { chance }, from);
    expect(new Set(chance.keys.asked)).toEqual(new Set([algorithm]));
  });

  test('without a CA they are refused', async () => {
    const problems = await problemsOf(ensure(new Map()));
    expect(codes(problems)).toEqual(['KB_PKI_INCOMPLETE kubeconfig']);
    expect(problems[0]?.fix).toContain('phase certs ca');
  });

  test('with a CA whose key is elsewhere they are refused, and the error names the missing ones', async () => {
    const existing = new Map([...done].filter(([path]) => path !== `${pkiDir}/ca.key` && path !== adminConf));
    const problems = await problemsOf(ensure(existing));
    expect(codes(problems)).toEqual(['KB_CA_KEY_MISSING kubeconfig']);
    expect(problems[0]?.detail).toContain(`${adminConf} must be made`);
    existing.set(adminConf, done.get(adminConf) ?? '');
    expect((await ensure(existing)).artifacts).toEqual([]);
  });
});

describe('a kubeconfig that is there', () => {
  test('of this CA is kept and nothing is written', async () => {
    const chance = fixedRandomSource();
    const { artifacts, kept, items, warnings } = await ensure(done, { chance });
    expect([artifacts, warnings, chance.keys.asked]).toEqual([[], [], []]);
    expect(kept.map(({ path, mode, body }) => [path, mode, body === done.get(path)])).toEqual(
      items.map(({ name }) => [`/etc/kubernetes/${name}.conf`, 0o600, true]),
    );
  });

  test('of another CA is refused', async () => {
    const other = renderKubeconfig({
      clusterName: 'kubernetes',
      server: 'https://192.168.3.129:6443',
      ca: fileOf(pki, 'etcd/ca.crt'),
      user: 'kubernetes-admin',
      identity: { kind: 'token', token: 'x' },
    });
    const problems = await problemsOf(ensure(withAdmin(other), { journal: new Set([adminConf]) }));
    expect(codes(problems)).toEqual(['KB_KUBECONFIG_CA kubeconfig/admin']);
    expect(problems[0]?.fix).toContain(adminConf);
  });

  test('may trust more CAs behind the first, since 1.31', async () => {
    const text = done.get(adminConf) ?? '';
    const { ca } = clientOf(text, adminConf);
    const both = text.replace(
      Buffer.from(ca).toString('base64'),
      Buffer.from(ca + fileOf(pki, 'etcd/ca.crt')).toString('base64'),
    );
    expect((await ensure(withAdmin(both))).artifacts).toEqual([]);
    const older = spec({ version: version('v1.30.14') });
    expect(codes(await problemsOf(ensure(withAdmin(both), {}, older)))).toEqual(['KB_KUBECONFIG_CA kubeconfig/admin']);
    expect((await ensure(done, {}, older)).artifacts).toEqual([]);
  });

  test('may name its CA by path', async () => {
    const text = (done.get(adminConf) ?? '').replace(
      /certificate-authority-data: .*/,
      `certificate-authority: ${pkiDir}/ca.crt`,
    );
    expect((await ensure(withAdmin(text))).artifacts).toEqual([]);
    const missing = text.replace(`${pkiDir}/ca.crt`, '/nowhere/ca.crt');
    expect(codes(await problemsOf(ensure(withAdmin(missing))))).toEqual(['KB_KUBECONFIG_CA kubeconfig/admin']);
  });

  test('of another server is kept with a warning that names both', async () => {
    const text = (done.get(adminConf) ?? '').replace('192.168.3.129:6443', '10.9.9.9:443');
    const { artifacts, warnings } = await ensure(withAdmin(text));
    expect(artifacts).toEqual([]);
    expect(warnings).toEqual([expect.stringMatching(/admin\.conf .*10\.9\.9\.9:443.*192\.168\.3\.129:6443/)]);
  });

  test('whose certificate has expired is kept with a warning', async () => {
    const { artifacts, warnings } = await ensure(done, { now: new Date('2027-12-01T00:00:00Z') });
    expect(artifacts).toEqual([]);
    expect(warnings).toHaveLength(5);
    expect(warnings[0]).toContain('expired on 2027-11-21T02:54:13.000Z');
  });

  test.each([
    ['empty', ''],
    ['cut off', 'apiVersion: v1\nclusters:\n- cluster:\n    certificate-auth'],
  ])('%s is refused, unless the killed run was writing it', async (_what, text) => {
    expect(codes(await problemsOf(ensure(withAdmin(text))))).toEqual(['KB_KUBECONFIG_INVALID kubeconfig/admin']);
    const result = await ensure(withAdmin(text), { journal: new Set([adminConf]) });
    expect([...filesOf(result).keys()]).toEqual([adminConf]);
    expect(result.items.filter(({ outcome }) => outcome === 'created')).toEqual([
      { name: 'admin', outcome: 'created' },
    ]);
  });

  test('several of them are wrong: all are told at once', async () => {
    const existing = withAdmin('');
    existing.set('/etc/kubernetes/scheduler.conf', 'x: [');
    expect(codes(await problemsOf(ensure(existing)))).toEqual([
      'KB_KUBECONFIG_INVALID kubeconfig/admin',
      'KB_KUBECONFIG_INVALID kubeconfig/scheduler',
    ]);
  });
});

test('super-admin.conf and the group of admin.conf come with 1.29', () => {
  expect(kubeconfigFileNames(version('v1.28.15'))).not.toContain('super-admin.conf');
  const groups = (release: string): readonly string[] =>
    kubeconfigPlan(spec({ version: version(release) })).find(({ name }) => name === 'admin')?.organizations ?? [];
  expect(groups('v1.28.15')).toEqual(['system:masters']);
  expect(groups('v1.29.0')).toEqual(['kubeadm:cluster-admins']);
});

describe('which API server the kubelet of a control plane uses', () => {
  const on = { ControlPlaneKubeletLocalMode: true };
  const off = { ControlPlaneKubeletLocalMode: false };
  test.each([
    ['v1.30.14', on, 'shared'],
    ['v1.31.14', {}, 'shared'],
    ['v1.31.14', on, 'local'],
    ['v1.33.13', {}, 'local'],
    ['v1.34.4', off, 'shared'],
    ['v1.35.4', off, 'local'],
  ])('%s with gates %j: %s', (release, featureGates, wanted) => {
    const from = spec({ version: version(release), featureGates, controlPlaneEndpoint: 'vip.lab:8443' });
    const kubelet = kubeconfigPlan(from).find(({ name }) => name === 'kubelet');
    expect(kubelet?.server).toBe(wanted === 'local' ? 'https://192.168.3.129:6443' : 'https://vip.lab:8443');
  });
});

test.each([
  [undefined, 'https://[fd00::9]:7443'],
  ['vip.lab', 'https://vip.lab:7443'],
  ['vip.lab:443', 'https://vip.lab:443'],
  ['192.168.3.33', 'https://192.168.3.33:7443'],
  ['fd00::1', 'https://[fd00::1]:7443'],
  ['[fd00::1]', 'https://[fd00::1]:7443'],
  ['[fd00::1]:443', 'https://[fd00::1]:443'],
])('the control-plane endpoint %s is %s', (controlPlaneEndpoint, url) => {
  const local = { advertiseAddress: 'fd00::9', bindPort: 7443 };
  expect(sharedEndpoint(controlPlaneEndpoint === undefined ? {} : { controlPlaneEndpoint }, local)).toBe(url);
  expect(localEndpoint(local)).toBe('https://[fd00::9]:7443');
});
