// A supplied or damaged PKI, given to real kubeadm and to kbinit: what kubeadm refuses kbinit refuses, and what kbinit
// refuses it leaves as it was.
import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ensurePki } from '../../src/certs/pki.ts';
import { readCertificates, signCertificate, type Certificate, type Template } from '../../src/certs/x509.ts';
import { fixedRandomSource, p256Pairs, pairOf, rsaPairs } from '../fakes/keys.ts';
import { fileOf, onDisk, pkiDir, pkiRequest, spec } from '../unit/certs/fixture.ts';
import type { Given } from './generator.ts';
import { oracleKubeadm } from './kubeadm.ts';
import { openRoot, type Root } from './pki-client.ts';
import { inconsistencies } from './pki-compare.ts';
import type { Answer } from './pki-root.ts';

const config = `apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint: {advertiseAddress: 192.168.3.129}
nodeRegistration: {name: master1, criSocket: unix:///run/containerd/containerd.sock}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v${oracleKubeadm.name}
encryptionAlgorithm: ECDSA-P256
`;
const day = 24 * 3600 * 1000;
const now = new Date();
const later = (days: number): Date => new Date(now.getTime() + days * day);

let root: Root;
let scratch = '';
let disk = new Map<string, string>();
beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'kbinit-pki-'));
  root = openRoot();
  const from = spec({ encryptionAlgorithm: 'ECDSA-P256' });
  disk = onDisk(await ensurePki(pkiRequest(from, { now, chance: fixedRandomSource() })));
});
afterAll(async () => {
  await root.close();
  rmSync(scratch, { recursive: true, force: true });
});

type Changes = Readonly<Record<string, Given | undefined>>;

const isKey = (path: string): boolean => !path.endsWith('.crt');
const modeOf = (path: string): number => (isKey(path) ? 0o600 : 0o644);

/** The finished PKI with some files replaced or, where undefined, removed; their modes are right. */
function filesOf(changes: Changes): Record<string, Given> {
  const merged = new Map<string, Given>([...disk].map(([path, text]) => [path, { text, mode: modeOf(path) }]));
  for (const [name, given] of Object.entries(changes)) {
    const path = `${pkiDir}/${name}`;
    if (given === undefined) merged.delete(path);
    else merged.set(path, typeof given === 'string' ? { text: given, mode: modeOf(path) } : given);
  }
  return Object.fromEntries(merged);
}

function runOver(files: Readonly<Record<string, Given>>): Promise<Answer> {
  return root.ask({ config, files, environment: {}, phases: [['certs', 'all']] });
}

function certificate(name: string): Certificate {
  const [first] = readCertificates(fileOf(disk, name));
  if (first === undefined) throw new Error(`no certificate in ${name}`);
  return first;
}

/** A certificate of the PKI again, under its own key, with something wrong about it. */
function forged(name: string, change: Partial<Template>, signer?: { key: string; ca?: string }): string {
  const model = certificate(`${name}.crt`);
  const isCa = name.endsWith('ca');
  const by = signer ?? (isCa ? { key: `${name}.key` } : { key: 'ca.key', ca: 'ca.crt' });
  const template: Template = {
    subject: model.subject,
    serial: 99n,
    notBefore: model.notBefore,
    notAfter: model.notAfter,
    publicPem: model.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    isCa,
    usages: isCa ? [] : ['serverAuth', 'clientAuth'],
    altNames: model.altNames,
    keyIdentifier: 'sha256',
    ...change,
  };
  const issuer = by.ca === undefined ? undefined : certificate(by.ca);
  return signCertificate(template, createPrivateKey(fileOf(disk, by.key)), issuer);
}

const etcd = { key: 'etcd/ca.key', ca: 'etcd/ca.crt' };
const withoutNode = (name: string): Partial<Template> => {
  const { dnsNames, ipAddresses } = certificate(`${name}.crt`).altNames;
  return { altNames: { dnsNames: dnsNames.filter((one) => one !== 'master1'), ipAddresses } };
};

interface Variant {
  readonly what: string;
  readonly changes: () => Changes;
  /** What kbinit says: an error's code, or a part of its warning. */
  readonly refused?: string;
  readonly warned?: string;
  /** Real kubeadm lets it pass. */
  readonly kubeadmPasses?: true;
}

const supplied: readonly Variant[] = [
  {
    what: 'apiserver has expired',
    changes: () => ({ 'apiserver.crt': forged('apiserver', { notAfter: later(-0.001) }) }),
    refused: 'KB_CERT_EXPIRED',
  },
  {
    what: 'apiserver is not valid yet',
    changes: () => ({ 'apiserver.crt': forged('apiserver', { notBefore: later(1) }) }),
    refused: 'KB_CERT_NOT_YET_VALID',
  },
  {
    what: 'etcd/peer has expired',
    changes: () => ({ 'etcd/peer.crt': forged('etcd/peer', { notAfter: later(-0.001) }, etcd) }),
    refused: 'KB_CERT_EXPIRED',
  },
  {
    what: 'the cluster CA has expired',
    changes: () => ({ 'ca.crt': forged('ca', { notBefore: later(-2), notAfter: later(-1) }) }),
    refused: 'KB_CERT_EXPIRED',
  },
  {
    what: 'the cluster CA is not valid yet',
    changes: () => ({ 'ca.crt': forged('ca', { notBefore: later(1) }) }),
    refused: 'KB_CERT_NOT_YET_VALID',
  },
  {
    what: 'the etcd CA has expired',
    changes: () => ({ 'etcd/ca.crt': forged('etcd/ca', { notBefore: later(-2), notAfter: later(-1) }) }),
    refused: 'KB_CERT_EXPIRED',
  },
  {
    what: 'the front-proxy CA has expired',
    changes: () => ({ 'front-proxy-ca.crt': forged('front-proxy-ca', { notBefore: later(-2), notAfter: later(-1) }) }),
    refused: 'KB_CERT_EXPIRED',
  },
  {
    what: 'the cluster CA is no CA',
    changes: () => ({ 'ca.crt': forged('ca', { isCa: false }) }),
    refused: 'KB_CERT_NOT_CA',
  },
  {
    what: 'the etcd CA is no CA',
    changes: () => ({ 'etcd/ca.crt': forged('etcd/ca', { isCa: false }) }),
    refused: 'KB_CERT_NOT_CA',
  },
  {
    what: 'apiserver has the key of another certificate',
    changes: () => ({ 'apiserver.key': pairOf(p256Pairs, 0).privatePem }),
    refused: 'KB_CERT_KEY_MISMATCH',
    kubeadmPasses: true,
  },
  {
    what: 'the cluster CA has another key, of another kind',
    changes: () => ({ 'ca.key': pairOf(rsaPairs, 1).privatePem }),
    refused: 'KB_CERT_KEY_MISMATCH',
    kubeadmPasses: true,
  },
  {
    what: 'sa.pub is not the public half of sa.key',
    changes: () => ({ 'sa.pub': pairOf(rsaPairs, 1).publicPem }),
    refused: 'KB_CERT_KEY_MISMATCH',
    kubeadmPasses: true,
  },
  {
    what: 'apiserver was signed by the etcd CA',
    changes: () => ({ 'apiserver.crt': forged('apiserver', {}, etcd) }),
    refused: 'KB_CERT_CHAIN',
  },
  {
    what: 'front-proxy-client was signed by the cluster CA',
    changes: () => ({ 'front-proxy-client.crt': forged('front-proxy-client', {}) }),
    refused: 'KB_CERT_CHAIN',
  },
  {
    what: 'apiserver names the CA but was signed with another key',
    changes: () => ({ 'apiserver.crt': forged('apiserver', {}, { key: 'etcd/ca.key', ca: 'ca.crt' }) }),
    refused: 'KB_CERT_CHAIN',
  },
  {
    what: 'etcd/server signed itself',
    changes: () => ({ 'etcd/server.crt': forged('etcd/server', {}, { key: 'etcd/server.key' }) }),
    refused: 'KB_CERT_CHAIN',
  },
  {
    what: 'apiserver lacks the name of the node',
    changes: () => ({ 'apiserver.crt': forged('apiserver', withoutNode('apiserver')) }),
    warned: 'is not valid for master1',
    kubeadmPasses: true,
  },
  {
    what: 'etcd/server lacks the name of the node',
    changes: () => ({ 'etcd/server.crt': forged('etcd/server', withoutNode('etcd/server'), etcd) }),
    warned: 'is not valid for master1',
    kubeadmPasses: true,
  },
  {
    what: 'the cluster CA ends in less than 30 days',
    changes: () => ({ 'ca.crt': forged('ca', { notAfter: later(29.5) }) }),
    warned: 'ca.crt expires in 29 days',
    kubeadmPasses: true,
  },
  {
    what: 'the etcd CA ends in less than 30 days',
    changes: () => ({ 'etcd/ca.crt': forged('etcd/ca', { notAfter: later(3.5) }) }),
    warned: 'etcd/ca.crt expires in 3 days',
    kubeadmPasses: true,
  },
];

const cut = (name: string): string => fileOf(disk, name).slice(0, 150);
const owned = (name: string, mode: number): Given => ({ text: fileOf(disk, name), mode, owner: 1000 });

/** `mended`: what a run that knows these files to be its own earlier run's makes anew. */
const damaged: readonly (Variant & { readonly mended: readonly string[] | 'refused' })[] = [
  {
    what: 'apiserver.crt is empty',
    changes: () => ({ 'apiserver.crt': '' }),
    refused: 'KB_CERT_INVALID',
    mended: ['apiserver'],
  },
  {
    what: 'apiserver.key is empty',
    changes: () => ({ 'apiserver.key': '' }),
    refused: 'KB_CERT_INVALID',
    kubeadmPasses: true,
    mended: ['apiserver'],
  },
  { what: 'ca.crt is empty', changes: () => ({ 'ca.crt': '' }), refused: 'KB_CERT_INVALID', mended: 'refused' },
  {
    what: 'ca.key is empty',
    changes: () => ({ 'ca.key': '' }),
    refused: 'KB_CERT_INVALID',
    kubeadmPasses: true,
    mended: 'refused',
  },
  { what: 'sa.key is empty', changes: () => ({ 'sa.key': '' }), refused: 'KB_CERT_INVALID', mended: ['sa'] },
  {
    what: 'sa.pub is empty',
    changes: () => ({ 'sa.pub': '' }),
    refused: 'KB_CERT_INVALID',
    kubeadmPasses: true,
    mended: [],
  },
  {
    what: 'apiserver.crt is cut off',
    changes: () => ({ 'apiserver.crt': cut('apiserver.crt') }),
    refused: 'KB_CERT_INVALID',
    mended: ['apiserver'],
  },
  {
    what: 'apiserver.key is cut off',
    changes: () => ({ 'apiserver.key': cut('apiserver.key') }),
    refused: 'KB_CERT_INVALID',
    kubeadmPasses: true,
    mended: ['apiserver'],
  },
  {
    what: 'ca.crt is cut off',
    changes: () => ({ 'ca.crt': cut('ca.crt') }),
    refused: 'KB_CERT_INVALID',
    mended: 'refused',
  },
  {
    what: 'ca.key is cut off',
    changes: () => ({ 'ca.key': cut('ca.key') }),
    refused: 'KB_CERT_INVALID',
    kubeadmPasses: true,
    mended: 'refused',
  },
  {
    what: 'etcd/ca.key is cut off',
    changes: () => ({ 'etcd/ca.key': cut('etcd/ca.key') }),
    refused: 'KB_CERT_INVALID',
    kubeadmPasses: true,
    mended: 'refused',
  },
  {
    what: 'sa.key is cut off',
    changes: () => ({ 'sa.key': cut('sa.key') }),
    refused: 'KB_CERT_INVALID',
    mended: ['sa'],
  },
  {
    what: 'apiserver.key has no certificate',
    changes: () => ({ 'apiserver.crt': undefined }),
    refused: 'KB_PKI_INCOMPLETE',
    mended: ['apiserver'],
  },
  {
    what: 'front-proxy-client.key has no certificate',
    changes: () => ({ 'front-proxy-client.crt': undefined }),
    refused: 'KB_PKI_INCOMPLETE',
    mended: ['front-proxy-client'],
  },
  {
    what: 'ca.key has no certificate',
    changes: () => ({ 'ca.crt': undefined }),
    refused: 'KB_PKI_INCOMPLETE',
    mended: 'refused',
  },
  {
    what: 'etcd/ca.key has no certificate',
    changes: () => ({ 'etcd/ca.crt': undefined }),
    refused: 'KB_PKI_INCOMPLETE',
    mended: 'refused',
  },
  {
    what: 'apiserver.crt has no key',
    changes: () => ({ 'apiserver.key': undefined }),
    refused: 'KB_PKI_INCOMPLETE',
    kubeadmPasses: true,
    mended: ['apiserver'],
  },
  {
    what: 'etcd/peer.crt has no key',
    changes: () => ({ 'etcd/peer.key': undefined }),
    refused: 'KB_PKI_INCOMPLETE',
    kubeadmPasses: true,
    mended: ['etcd/peer'],
  },
  {
    what: 'sa.pub has no key',
    changes: () => ({ 'sa.key': undefined }),
    refused: 'KB_PKI_INCOMPLETE',
    kubeadmPasses: true,
    mended: ['sa'],
  },
  {
    what: 'ca.key is gone by accident, and apiserver with it',
    changes: () => ({ 'ca.key': undefined, 'apiserver.crt': undefined, 'apiserver.key': undefined }),
    refused: 'KB_CA_KEY_MISSING',
    mended: 'refused',
  },
  {
    what: 'front-proxy-ca.key is gone by accident, and the client with it',
    changes: () => ({
      'front-proxy-ca.key': undefined,
      'front-proxy-client.crt': undefined,
      'front-proxy-client.key': undefined,
    }),
    refused: 'KB_CA_KEY_MISSING',
    mended: ['front-proxy-ca', 'front-proxy-client'],
  },
  {
    what: 'etcd/ca.key is gone by accident, and etcd/server with it',
    changes: () => ({ 'etcd/ca.key': undefined, 'etcd/server.crt': undefined, 'etcd/server.key': undefined }),
    refused: 'KB_CA_KEY_MISSING',
    mended: 'refused',
  },
  {
    what: 'apiserver.key belongs to another user',
    changes: () => ({ 'apiserver.key': owned('apiserver.key', 0o600) }),
    kubeadmPasses: true,
    mended: [],
  },
  {
    what: 'ca.key belongs to another user and everybody may read it',
    changes: () => ({ 'ca.key': owned('ca.key', 0o644) }),
    kubeadmPasses: true,
    mended: [],
  },
];

/** Files as they were given, for comparing with what is there afterwards. */
function asEntries(files: Readonly<Record<string, Given>>): Record<string, { mode: string; text: string }> {
  return Object.fromEntries(
    Object.entries(files).flatMap(([path, one]) =>
      typeof one === 'string' || !path.startsWith('/etc/kubernetes')
        ? []
        : [[path, { mode: `f ${one.mode.toString(8)} ${one.owner ?? 0}`, text: one.text }]],
    ),
  );
}

const onlyFiles = ({ files }: Answer['ours']): Answer['ours']['files'] =>
  Object.fromEntries(Object.entries(files).filter(([, { mode }]) => mode.startsWith('f')));

async function judge({ changes, refused, warned, kubeadmPasses }: Variant): Promise<void> {
  const files = filesOf(changes());
  const { theirs, ours } = await runOver(files);
  expect(theirs.failure === undefined, `kubeadm: ${theirs.failure ?? 'passed'}`).toBe(kubeadmPasses === true);
  if (refused !== undefined) {
    expect(ours.failure).toContain(refused);
    expect(onlyFiles(ours)).toEqual(asEntries(files));
    return;
  }
  expect(ours.failure).toBeUndefined();
  if (warned !== undefined) expect(ours.said).toContain(warned);
  // Contents stay; modes and owners are mended.
  const mended = Object.entries(asEntries(files)).map(([path, { text }]) => [
    path,
    { text, mode: `f ${modeOf(path).toString(8)} 0` },
  ]);
  expect(onlyFiles(ours)).toEqual(Object.fromEntries(mended));
}

describe('a supplied PKI (R09)', () => {
  test('has 20 variants', () => expect(supplied).toHaveLength(20));
  test.each(supplied)('$what', judge);
});

describe('a half-written PKI (R44)', () => {
  test('has 24 variants', () => expect(damaged).toHaveLength(24));
  test.each(damaged)('$what', judge);
});

const journal = (paths: readonly string[]): Given =>
  JSON.stringify({ format: 1, spec: {}, startedAt: now.toISOString(), makes: paths });

describe('a PKI that this cluster’s own killed run left half-written (R44)', () => {
  test.each(damaged)('$what', async ({ changes, mended, refused }) => {
    const files = filesOf(changes());
    const journalPath = '/var/lib/kbinit/journal/init.json';
    const { ours } = await runOver({ ...files, [journalPath]: journal([...disk.keys()]) });
    if (mended === 'refused') {
      expect(ours.failure).toContain(refused);
      expect(onlyFiles(ours)).toEqual(asEntries(files));
      return;
    }
    expect(ours.failure).toBeUndefined();
    expect(inconsistencies(ours, scratch)).toEqual([]);
    const changed = [...disk].filter(([path, text]) => ours.files[path]?.text !== text).map(([path]) => path);
    const names = new Set(changed.map((path) => path.slice(pkiDir.length + 1).replace(/\.(crt|key|pub)$/, '')));
    // An empty sa.pub is written from sa.key: the same text as before.
    expect([...names].toSorted()).toEqual([...mended].toSorted());
  });
});
