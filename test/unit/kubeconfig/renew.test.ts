import { X509Certificate, createPrivateKey } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { certificatePlan } from '../../../src/certs/plan.ts';
import { readCertificates, signCertificate, type Certificate } from '../../../src/certs/x509.ts';
import { KbError } from '../../../src/errors.ts';
import { expirations, renewablePaths } from '../../../src/kubeconfig/expirations.ts';
import { kubeconfigFileNames } from '../../../src/kubeconfig/files.ts';
import { parseKubeconfig } from '../../../src/kubeconfig/kubeconfig.ts';
import { renew, type RenewRequest, type RenewResult } from '../../../src/kubeconfig/renew.ts';
import { renewables } from '../../../src/kubeconfig/renewables.ts';
import { generateKey } from '../../../src/util/keygen.ts';
import { readYaml, writeYaml } from '../../../src/util/yaml.ts';
import { fixedRandomSource } from '../../fakes/keys.ts';
import { localEtcd, now, onDisk, pkiDir, spec, version } from '../certs/fixture.ts';
import { changed, controlPlane } from './control-plane.ts';

let disk = new Map<string, string>();
beforeAll(async () => {
  disk = await controlPlane();
});

const all = renewables.map(({ name }) => name);
const days = (n: number): Date => new Date(now.getTime() + n * 86_400_000);
const external = { kind: 'external', endpoints: [], httpEndpoints: [], caFile: '', certFile: '', keyFile: '' } as const;

function request(change: Partial<RenewRequest> = {}): RenewRequest {
  const { cluster } = spec();
  return {
    cluster,
    existing: disk,
    now: days(100),
    only: all,
    chance: fixedRandomSource(),
    isConfigured: true,
    ...change,
  };
}

async function problems(result: Promise<unknown>): Promise<readonly string[]> {
  const error: unknown = await result.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof KbError) return error.problems.map(({ code, detail }) => `${code} ${detail}`);
  throw new Error('nothing was refused', { cause: error });
}

function certificateIn(files: ReadonlyMap<string, string>, path: string): Certificate {
  const text = files.get(path) ?? '';
  const client = path.endsWith('.conf') ? parseKubeconfig(text, path).clientCertificate : undefined;
  const [certificate] = readCertificates(client?.kind === 'data' ? client.text : text);
  if (certificate === undefined) throw new Error(`no certificate in ${path}`);
  return certificate;
}

const outcomes = ({ renewals }: RenewResult): Record<string, string> =>
  Object.fromEntries(renewals.map(({ item, outcome }) => [item.name, outcome]));

test('what can be renewed is every leaf of the plan and every kubeconfig but the kubelet’s', () => {
  const leaves = certificatePlan(spec()).filter(({ signer }) => signer !== 'self');
  const pairs = renewables.filter(({ kind }) => kind === 'pair');
  expect(pairs.map(({ name, base, signer }) => ({ name, base, signer }))).toEqual(
    leaves.map(({ name, base, signer }) => ({ name, base, signer })).toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  );
  const files = kubeconfigFileNames(version('v1.36.3')).filter((file) => file !== 'kubelet.conf');
  expect(renewables.filter(({ kind }) => kind === 'kubeconfig').map(({ name }) => name)).toEqual(files.toSorted());
  expect(all).toEqual(all.toSorted());
});

describe('renewing everything', () => {
  test('writes each with its mode, a key before its certificate, keys secret', async () => {
    const { artifacts } = await renew(request());
    expect(artifacts.map(({ path, mode, secret }) => `${path} ${mode.toString(8)} ${secret === true}`)).toEqual(
      renewables.flatMap(({ kind, base }) =>
        kind === 'kubeconfig'
          ? [`${base} 600 true`]
          : [`${pkiDir}/${base}.key 600 true`, `${pkiDir}/${base}.crt 644 false`],
      ),
    );
  });

  test('keeps subject, names and usages, and makes new keys, serials and dates', async () => {
    const { artifacts, renewals } = await renew(request({ chance: { ...fixedRandomSource(), serial: () => 4711n } }));
    const files = onDisk({ artifacts });
    for (const path of [...files.keys()].filter((one) => /\.(crt|conf)$/.test(one))) {
      const [before, after] = [certificateIn(disk, path), certificateIn(files, path)];
      expect([path, after.subject, after.altNames, after.usages]).toEqual([
        path,
        before.subject,
        before.altNames,
        before.usages,
      ]);
      expect(after.serial).toBe(4711n);
      expect([after.notBefore, after.notAfter]).toEqual([
        new Date(Math.floor((days(100).getTime() - 300_000) / 1000) * 1000),
        new Date(Math.floor(days(465).getTime() / 1000) * 1000),
      ]);
    }
    expect(new Set(renewals.map(({ notAfter }) => notAfter?.toISOString()))).toEqual(
      new Set([new Date(Math.floor(days(465).getTime() / 1000) * 1000).toISOString()]),
    );
  });

  test('signs each with its own CA, and its key is the one written beside it', async () => {
    const files = onDisk(await renew(request()));
    for (const { name, kind, base, signer } of renewables) {
      const path = kind === 'pair' ? `${pkiDir}/${base}.crt` : base;
      const { x509 } = certificateIn(files, path);
      const ca = disk.get(`${pkiDir}/${signer === 'etcd-ca' ? 'etcd/ca' : signer}.crt`) ?? '';
      expect([name, x509.verify(new X509Certificate(ca).publicKey)]).toEqual([name, true]);
      const key = parsedKey(files, path);
      expect([name, x509.checkPrivateKey(createPrivateKey(key))]).toEqual([name, true]);
    }
  });

  test('works where every leaf has expired', async () => {
    const result = await renew(request({ now: days(800) }));
    expect(new Set(Object.values(outcomes(result)))).toEqual(new Set(['renewed']));
    expect(result.warnings).toEqual([]);
  });

  test('until 1.30 begins with the CA, as new certificates do', async () => {
    const cluster = { ...spec().cluster, version: version('v1.28.15') };
    const files = onDisk(await renew(request({ cluster, only: ['apiserver'] })));
    const { notBefore } = certificateIn(files, `${pkiDir}/apiserver.crt`);
    expect(notBefore).toEqual(certificateIn(disk, `${pkiDir}/ca.crt`).notBefore);
  });

  test('leaves etcd’s to an external etcd', async () => {
    const { cluster } = spec({ etcd: external });
    const result = await renew(request({ cluster }));
    expect(Object.keys(outcomes(result))).toEqual(all.filter((name) => !name.includes('etcd')));
  });
});

function parsedKey(files: ReadonlyMap<string, string>, path: string): string {
  if (!path.endsWith('.conf')) return files.get(path.replace(/crt$/, 'key')) ?? '';
  const { clientKey } = parseKubeconfig(files.get(path) ?? '', path);
  return clientKey?.kind === 'data' ? clientKey.text : '';
}

test('only what was named is renewed', async () => {
  const { artifacts } = await renew(request({ only: ['etcd-peer'] }));
  expect(artifacts.map(({ path }) => path)).toEqual([`${pkiDir}/etcd/peer.key`, `${pkiDir}/etcd/peer.crt`]);
});

test('what is not there is missing, whatever its CA is like', async () => {
  const existing = changed(disk, { 'apiserver.crt': undefined, 'ca.key': '' });
  const result = await renew(request({ existing, only: ['apiserver'] }));
  expect([outcomes(result), result.artifacts]).toEqual([{ apiserver: 'missing' }, []]);
});

test('a lost or foreign key does not stop a renewal: it brings a new one', async () => {
  const existing = changed(disk, {
    'apiserver.key': undefined,
    'front-proxy-client.key': disk.get(`${pkiDir}/sa.key`),
  });
  const result = await renew(request({ existing, only: ['apiserver', 'front-proxy-client'] }));
  expect(outcomes(result)).toEqual({ apiserver: 'renewed', 'front-proxy-client': 'renewed' });
});

test('a CA without key cannot renew what it signed, the others can', async () => {
  const result = await renew(request({ existing: changed(disk, { 'etcd/ca.key': undefined }) }));
  const byOutcome = Object.entries(outcomes(result));
  expect(byOutcome.filter(([, outcome]) => outcome === 'external').map(([name]) => name)).toEqual([
    'apiserver-etcd-client',
    'etcd-healthcheck-client',
    'etcd-peer',
    'etcd-server',
  ]);
  expect(byOutcome.filter(([, outcome]) => outcome === 'renewed')).toHaveLength(7);
  expect(result.artifacts.filter(({ path }) => path.includes('etcd'))).toEqual([]);
});

describe('nothing is made when', () => {
  test('a CA has expired', async () => {
    expect(await problems(renew(request({ now: days(3651), only: ['apiserver', 'admin.conf'] })))).toEqual([
      expect.stringMatching(/^KB_CERT_EXPIRED .*\/ca\.crt expired on/),
    ]);
  });

  test('a CA has another one’s key', async () => {
    const existing = changed(disk, { 'ca.key': disk.get(`${pkiDir}/etcd/ca.key`) });
    expect(await problems(renew(request({ existing, only: ['apiserver'] })))).toEqual([
      expect.stringMatching(/^KB_CERT_KEY_MISMATCH /),
    ]);
  });

  test.each([
    ['a CA that is empty', { 'ca.crt': '' }, ['apiserver'], /^KB_CERT_INVALID .*ca\.crt is empty/],
    [
      'a CA key that is cut off',
      { 'ca.key': '-----BEGIN RSA PRIVATE KEY-----\nMII' },
      ['apiserver'],
      /ca\.key is cut off/,
    ],
    ['a CA that is gone', { 'ca.crt': undefined }, ['apiserver'], /^KB_PKI_INCOMPLETE .*ca\.crt does not exist/],
    ['an empty certificate', { 'apiserver.crt': '' }, ['apiserver'], /^KB_CERT_INVALID .*apiserver\.crt is empty/],
    [
      'a kubeconfig that is no YAML',
      { '/etc/kubernetes/admin.conf': '{' },
      ['admin.conf'],
      /^KB_KUBECONFIG_INVALID .*it is not YAML/,
    ],
  ])('%s is in the way', async (_what, changes, only, wanted) => {
    expect(await problems(renew(request({ existing: changed(disk, changes), only })))).toEqual([
      expect.stringMatching(wanted),
    ]);
  });

  test('two files cannot be read: both are told, and a CA’s fault once', async () => {
    const existing = changed(disk, { 'etcd/ca.key': 'x', '/etc/kubernetes/scheduler.conf': '' });
    expect(await problems(renew(request({ existing })))).toEqual([
      expect.stringMatching(/^KB_CERT_INVALID .*etcd\/ca\.key/),
      expect.stringMatching(/^KB_KUBECONFIG_INVALID .*scheduler\.conf/),
    ]);
  });
});

describe('a kubeconfig', () => {
  const path = '/etc/kubernetes/admin.conf';

  test('keeps its other users, contexts and settings, and gets the CA of the PKI', async () => {
    const more = disk.get(path) ?? '';
    const own = readYaml(more);
    if (typeof own !== 'object' || own === null || !('users' in own) || !Array.isArray(own.users)) {
      throw new Error(more);
    }
    const document = {
      ...own,
      users: [{ name: 'bob', user: { token: 't' } }, ...Array.from<unknown>(own.users)],
      preferences: {},
    };
    const stale = writeYaml(document).replace(/certificate-authority-data: .*/, 'certificate-authority-data: eA==');
    const files = onDisk(await renew(request({ existing: changed(disk, { [path]: stale }), only: ['admin.conf'] })));
    const text = files.get(path) ?? '';
    expect(text).toContain('name: bob\n  user:\n    token: t\n');
    expect(text).toContain('preferences: {}');
    const { ca } = parseKubeconfig(text, path);
    expect(ca).toEqual({ kind: 'data', text: disk.get(`${pkiDir}/ca.crt`) });
  });

  test('that names its certificate by path is refused: the file belongs to somebody else', async () => {
    const text = (disk.get(path) ?? '').replace(/client-certificate-data: .*/, 'client-certificate: /root/admin.crt');
    const existing = changed(disk, { [path]: text });
    expect(await problems(renew(request({ existing, only: ['admin.conf'] })))).toEqual([
      expect.stringMatching(/^KB_KUBECONFIG_INVALID /),
    ]);
  });
});

describe('the algorithm of a new key', () => {
  test.each(['ECDSA-P256', 'ECDSA-P384', 'RSA-2048'] as const)('is the configured one: %s', async (algorithm) => {
    const { cluster } = spec({ encryptionAlgorithm: algorithm });
    const asked: string[] = [];
    await renew(request({ cluster, only: ['apiserver'], chance: listening(asked) }));
    expect(asked).toEqual([algorithm]);
  });

  test('is the old key’s where no configuration could be read', async () => {
    const existing = changed(disk, {
      'apiserver.crt': await signedFor('ECDSA-P384'),
      'front-proxy-client.crt': await signedFor('ECDSA-P256'),
    });
    const asked: string[] = [];
    const only = ['apiserver', 'front-proxy-client', 'etcd-peer'];
    await renew(request({ existing, only, chance: listening(asked), isConfigured: false }));
    expect(asked).toEqual(['ECDSA-P384', 'RSA-2048', 'ECDSA-P256']);
  });
});

function listening(asked: string[]): RenewRequest['chance'] {
  const chance = fixedRandomSource();
  return {
    serial: () => chance.serial(),
    keys: {
      next: (algorithm) => {
        asked.push(algorithm);
        return chance.keys.next(algorithm === 'ECDSA-P384' ? 'ECDSA-P256' : algorithm);
      },
    },
  };
}

async function signedFor(algorithm: 'ECDSA-P256' | 'ECDSA-P384', usages = ['clientAuth']): Promise<string> {
  const ca = certificateIn(disk, `${pkiDir}/ca.crt`);
  const template = {
    subject: { commonName: 'somebody', organizations: ['a', 'b'] },
    serial: 5n,
    notBefore: now,
    notAfter: days(1),
    publicPem: (await generateKey(algorithm)).publicPem,
    isCa: false,
    usages,
    altNames: { dnsNames: ['x.example'], ipAddresses: ['10.1.2.3', 'fd00::1'] },
    keyIdentifier: 'sha256' as const,
  };
  return signCertificate(template, createPrivateKey(disk.get(`${pkiDir}/ca.key`) ?? ''), ca);
}

test('usages that kbinit has no name for are kept by their identifiers', async () => {
  const codeSigning = '1.3.6.1.5.5.7.3.3';
  const existing = changed(disk, { 'apiserver.crt': await signedFor('ECDSA-P256', ['serverAuth', codeSigning]) });
  const files = onDisk(await renew(request({ existing, only: ['apiserver'] })));
  expect(certificateIn(files, `${pkiDir}/apiserver.crt`).usages).toEqual(['serverAuth', codeSigning]);
});

test('a certificate that would outlive its CA is made with a warning', async () => {
  const { warnings } = await renew(request({ now: days(3400), only: ['front-proxy-client'] }));
  expect(warnings).toEqual([
    expect.stringMatching(/^front-proxy-client is valid until .*, its CA front-proxy-ca only until/),
  ]);
});

describe('expirations', () => {
  const check = (existing: ReadonlyMap<string, string> = disk, etcd: typeof localEtcd | typeof external = localEtcd) =>
    expirations({ cluster: spec({ etcd }).cluster, existing, now });

  test('tell each certificate’s end to the second, and whose CA is elsewhere', () => {
    const { certificates, authorities } = check(
      changed(disk, { 'etcd/ca.key': undefined, '/etc/kubernetes/super-admin.conf': undefined }),
    );
    expect(certificates.map(({ name }) => name)).toEqual(all);
    for (const { name, notAfter } of certificates) {
      const item = renewables.find((one) => one.name === name);
      const path = item?.kind === 'pair' ? `${pkiDir}/${item.base}.crt` : (item?.base ?? '');
      const wanted = name === 'super-admin.conf' ? undefined : new Date(certificateIn(disk, path).x509.validTo);
      expect([name, notAfter]).toEqual([name, wanted]);
    }
    expect(certificates.filter(({ isExternal }) => isExternal).map(({ caName }) => caName)).toEqual(
      Array.from({ length: 4 }, () => 'etcd-ca'),
    );
    expect(authorities.map(({ name, isExternal }) => [name, isExternal])).toEqual([
      ['ca', false],
      ['etcd-ca', true],
      ['front-proxy-ca', false],
    ]);
  });

  test('with external etcd are without etcd’s', () => {
    const { certificates, authorities } = check(disk, external);
    expect([...certificates, ...authorities].filter(({ name }) => name.includes('etcd'))).toEqual([]);
  });

  test('are refused with every file that cannot be read', async () => {
    const existing = changed(disk, {
      'apiserver.crt': 'x',
      'front-proxy-ca.crt': '',
      '/etc/kubernetes/admin.conf': '',
    });
    expect(await problems(Promise.resolve().then(() => check(existing)))).toEqual([
      expect.stringMatching(/admin\.conf/),
      expect.stringMatching(/apiserver\.crt/),
      expect.stringMatching(/front-proxy-ca\.crt is empty/),
    ]);
  });

  test('need no other files than those that are read', () => {
    const { cluster } = spec();
    const wanted = new Set(renewablePaths(cluster));
    const known = new Map([...disk].filter(([path]) => wanted.has(path)));
    expect(check(known)).toEqual(check());
  });
});
