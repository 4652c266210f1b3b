// Certificates and kubeconfigs against what real kubeadm wrote, for every golden folder.
import { execFileSync } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { decrypt } from '../../src/certs/encrypt.ts';
import { pemBlocks } from '../../src/util/pem.ts';
import { certificatePlan } from '../../src/certs/plan.ts';
import { ensurePki } from '../../src/certs/pki.ts';
import { readCertificates, signCertificate, type Certificate } from '../../src/certs/x509.ts';
import type { ClusterSpec } from '../../src/config/spec.ts';
import { ensureKubeconfigs, kubeconfigFileNames } from '../../src/kubeconfig/files.ts';
import { clientOf, clusterInfoKubeconfig, parseClusterInfo } from '../../src/kubeconfig/kubeconfig.ts';
import { hashesKeyIdentifierWithSha256, validityFromProcessStart } from '../../src/kube/traits.ts';
import { fixedRandomSource } from '../fakes/keys.ts';
import { goldenCases } from './support/case.ts';
import { dates, goldenPrinted, printedCertificates, sections, withoutDates } from './support/certificates.ts';
import { fileOf, localEtcd, onDisk, pkiDir, pkiRequest, spec, version, type CertificateSpec } from '../unit/certs/fixture.ts';

const golden = new URL('.', import.meta.url);
const certificateKey = '8d4388a541f7b0da0206d17495a728d4ec3d07a8f9287ab9123cfcb2185c3c94';
const hour = 3600;

const networking = { serviceSubnet: '10.96.0.0/12', podSubnet: '10.244.0.0/16', dnsDomain: 'cluster.local' };
const apiServer = { extraArgs: [], extraVolumes: [], extraEnvs: [] };
const tunedCluster: Partial<ClusterSpec> = {
  clusterName: 'prod-east',
  controlPlaneEndpoint: '192.168.3.33',
  networking: {
    serviceSubnet: '10.96.0.0/16,fd00:10:96::/112',
    podSubnet: '10.244.0.0/16,fd00:10:244::/56',
    dnsDomain: 'k8s.example',
  },
  apiServer: { ...apiServer, certSANs: ['api.example', '10.1.2.3'] },
  etcd: { ...localEtcd, serverCertSANs: ['etcd.example'] },
};
const tunedNode = { name: 'cp-one', bindPort: 7443 };

/** Each case's config.yaml, as far as certificates and kubeconfigs depend on it. */
const cases: Readonly<Record<string, (cluster: Pick<ClusterSpec, 'version'>) => CertificateSpec>> = {
  default: (cluster) => spec(cluster),
  'ha-mirror': (cluster) =>
    spec({
      ...cluster,
      controlPlaneEndpoint: 'k8s-vip.lab:6443',
      networking,
      apiServer: { ...apiServer, certSANs: ['k8s-vip.lab', '192.168.3.33', 'master1', 'master2', 'master3'] },
    }),
  'external-etcd': (cluster) =>
    spec({
      ...cluster,
      controlPlaneEndpoint: '192.168.3.33:6443',
      networking,
      etcd: { kind: 'external', endpoints: [], httpEndpoints: [], caFile: '', certFile: '', keyFile: '' },
    }),
  'tuned-v1beta3': (cluster) => spec({ ...cluster, ...tunedCluster }, tunedNode),
  'tuned-v1beta4': (cluster) =>
    spec(
      {
        ...cluster,
        ...tunedCluster,
        encryptionAlgorithm: 'ECDSA-P256',
        certificateValiditySeconds: 4380 * hour,
        caCertificateValiditySeconds: 43800 * hour,
        etcd: { ...localEtcd, serverCertSANs: ['etcd.example'], peerCertSANs: ['10.9.9.9'] },
      },
      tunedNode,
    ),
};

const folders = goldenCases.map((folder) => {
  const [release = '', name = ''] = folder.split('/');
  return { release, name };
});

function goldenText(folder: { release: string; name: string }, file: string): string {
  return readFileSync(new URL(`${folder.release}/${folder.name}/${file}`, golden), 'utf8');
}

function goldenSpec({ release, name }: { release: string; name: string }): CertificateSpec {
  const make = cases[name];
  if (make === undefined) throw new Error(`no spec for the golden case ${name}`);
  return make({ version: version(release) });
}

/** The process start: a CA begins five minutes before it. */
function startOf(certificates: ReadonlyMap<string, string>): Date {
  const [begin = 0] = dates(goldenPrinted(certificates.get(`${pkiDir}/ca.crt`) ?? ''));
  return new Date((begin + 5 * 60) * 1000);
}

test('there are five releases with at least four cases each', () => {
  expect(folders.length).toBeGreaterThanOrEqual(24);
});

describe.each(folders)('$release/$name', (folder) => {
  const from = goldenSpec(folder);
  const certificates = sections(goldenText(folder, 'certs.txt'));
  const now = startOf(certificates);

  test('every certificate is the one kubeadm writes', async () => {
    const { artifacts } = await ensurePki(pkiRequest(from, { now }));
    const own = artifacts.filter(({ path }) => path.endsWith('.crt'));
    expect(own.map(({ path }) => path).toSorted()).toEqual([...certificates.keys()].toSorted());
    const texts = printedCertificates(own.map(({ body }) => body));
    expect(texts).toHaveLength(own.length);
    for (const [index, { path }] of own.entries()) {
      const [ours = [], theirs] = [texts[index], goldenPrinted(certificates.get(path) ?? '')];
      expect([path, ...withoutDates(ours)]).toEqual([path, ...withoutDates(theirs)]);
      // Until 1.30 kubeadm looked at the clock anew for every certificate.
      const tolerance = validityFromProcessStart(from.cluster.version) ? 0 : 60;
      const [ourDates, theirDates] = [dates(ours), dates(theirs)];
      expect(ourDates).toHaveLength(2);
      const gaps = ourDates.map((date, end) => Math.abs(date - (theirDates[end] ?? 0)));
      expect(Math.max(...gaps)).toBeLessThanOrEqual(tolerance);
    }
  });

  test('every kubeconfig is the one kubeadm writes', async () => {
    const existing = onDisk(await ensurePki(pkiRequest(from, { now })));
    const { artifacts } = await ensureKubeconfigs({ ...from, existing, now, chance: fixedRandomSource() });
    const theirs = sections(goldenText(folder, 'kubeconfigs.txt'));
    expect(artifacts.map(({ path }) => path)).toEqual([...theirs.keys()]);
    for (const { path, body } of artifacts) {
      const blanked = body.replaceAll(/-data: .*$/gm, '-data: <data>');
      const { ca, clientCert = '' } = clientOf(body, path);
      expect(ca).toBe(fileOf(existing, 'ca.crt'));
      const args = ['x509', '-noout', '-subject', '-issuer', '-ext', 'keyUsage,extendedKeyUsage'];
      const text = execFileSync('openssl', args, { input: clientCert, encoding: 'utf8' });
      expect(blanked + text).toBe(theirs.get(path));
    }
  });

  test('the CAs kubeadm uploaded are rebuilt byte for byte', () => {
    const uploaded = uploadedFiles(goldenText(folder, 'dryrun.txt'));
    const rows = certificatePlan(from).filter(({ signer }) => signer === 'self');
    expect(rows.map(({ base }) => base.replace('/', '-'))).toEqual([...uploaded.keys()].flatMap(caName).toSorted(byPlan));
    for (const row of rows) {
      const file = row.base.replace('/', '-');
      const pem = uploaded.get(`${file}.crt`) ?? '';
      const [theirs] = readCertificates(pem);
      if (theirs === undefined) throw new Error(`no certificate in ${file}.crt`);
      const ours = rebuild(theirs, row, uploaded.get(`${file}.key`) ?? '', from);
      expect(signedPart(ours)).toEqual(signedPart(pem));
      // RSA signatures are the same every time, ECDSA's are not.
      if (theirs.publicKey.asymmetricKeyType === 'rsa') expect(ours).toBe(pem);
    }
  });

  test('the text of cluster-info is kubeadm’s', () => {
    const theirs = clusterInfoText(goldenText(folder, 'dryrun.txt'));
    expect(clusterInfoKubeconfig(parseClusterInfo(theirs), from.cluster.version)).toBe(theirs);
  });

  test('the names of the kubeconfig files are kubeadm’s', () => {
    const names = [...sections(goldenText(folder, 'kubeconfigs.txt')).keys()].map((path) => path.replace(/.*\//, ''));
    expect(kubeconfigFileNames(from.cluster.version)).toEqual(names);
  });
});

/** The decrypted values of the Secret kubeadm-certs. */
function uploadedFiles(dryrun: string): ReadonlyMap<string, string> {
  const part = dryrun.slice(dryrun.indexOf('Storing the certificates in Secret'));
  const values = part.matchAll(/^\s+((?:ca|etcd-ca|front-proxy-ca|sa)\.(?:crt|key|pub)): (\S+)$/gm);
  return new Map(
    [...values].map(([, name = '', value = '']) => [
      name,
      decrypt(Buffer.from(value, 'base64'), certificateKey).toString(),
    ]),
  );
}

const order = ['ca', 'front-proxy-ca', 'etcd-ca'];

function caName(file: string): readonly string[] {
  return file.endsWith('ca.crt') ? [file.replace('.crt', '')] : [];
}

function byPlan(a: string, b: string): number {
  return order.indexOf(a) - order.indexOf(b);
}

function rebuild(
  theirs: Certificate,
  row: ReturnType<typeof certificatePlan>[number],
  keyPem: string,
  { cluster }: CertificateSpec,
): string {
  const template = {
    ...row,
    serial: theirs.serial,
    notBefore: theirs.notBefore,
    notAfter: theirs.notAfter,
    publicPem: theirs.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    isCa: true,
    keyIdentifier: hashesKeyIdentifierWithSha256(cluster.version) ? ('sha256' as const) : ('sha1' as const),
  };
  return signCertificate(template, createPrivateKey(keyPem));
}

/** The TBSCertificate: the first element, whose length stands in two bytes. */
function signedPart(pem: string): string {
  const der = pemBlocks(pem)[0]?.der ?? Buffer.alloc(0);
  const outer = der[1] === 0x82 ? 4 : 3;
  const inner = der[outer + 1] === 0x82 ? 4 : 3;
  const length = inner === 4 ? der.readUInt16BE(outer + 2) : der.readUInt8(outer + 2);
  return der.subarray(outer, outer + inner + length).toString('hex');
}

/** The block scalar of the ConfigMap cluster-info; 1.28 printed objects behind a tab. */
function clusterInfoText(dryrun: string): string {
  const lines = dryrun.replaceAll(/^\t/gm, '').split('\n');
  const start = lines.findIndex((line) => line.startsWith('  kubeconfig: |'));
  const rest = lines.slice(start + 1);
  const end = rest.findIndex((line) => !line.startsWith('    '));
  return rest
    .slice(0, end)
    .map((line) => `${line.slice(4)}\n`)
    .join('');
}
