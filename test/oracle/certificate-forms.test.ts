// The oracle of files that a user brings: forms of ca.crt and ca.key, judged by real kubeadm and by kbinit. Where they
// differ, kubeadm takes what another program of Kubernetes then refuses; the table says which.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ensurePki } from '../../src/certs/pki.ts';
import { KbError } from '../../src/errors.ts';
import { pkiDir, pkiRequest, spec } from '../unit/certs/fixture.ts';
import { oracleKubeadm } from './kubeadm.ts';

let folder = '';
/** Files by the name of what openssl made: `rsa.key`, `rsa.crt`. */
const base = (name: string): string => readFileSync(join(folder, name), 'utf8');

/** How openssl makes the key of each kind. */
const kinds: Readonly<Record<string, readonly string[]>> = {
  rsa: ['RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
  rsa1024: ['RSA', '-pkeyopt', 'rsa_keygen_bits:1024'],
  rsa512: ['RSA', '-pkeyopt', 'rsa_keygen_bits:512'],
  rsa2047: ['RSA', '-pkeyopt', 'rsa_keygen_bits:2047'],
  p224: ['EC', '-pkeyopt', 'ec_paramgen_curve:P-224'],
  p256: ['EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  p384: ['EC', '-pkeyopt', 'ec_paramgen_curve:P-384'],
  p521: ['EC', '-pkeyopt', 'ec_paramgen_curve:P-521'],
  secp256k1: ['EC', '-pkeyopt', 'ec_paramgen_curve:secp256k1'],
  brainpool: ['EC', '-pkeyopt', 'ec_paramgen_curve:brainpoolP256r1'],
  ed25519: ['ED25519'],
  ed448: ['ED448'],
  pss: ['RSA-PSS', '-pkeyopt', 'rsa_keygen_bits:2048'],
};

const openssl = (...args: readonly string[]): string =>
  execFileSync('openssl', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kbinit-forms-'));
  for (const [kind, how] of Object.entries(kinds)) {
    openssl('genpkey', '-out', `${kind}.key`, '-algorithm', ...how);
    certificate(`${kind}.crt`, `${kind}.key`, ['basicConstraints=critical,CA:TRUE']);
  }
  certificate('leaf.crt', 'rsa.key', ['basicConstraints=critical,CA:FALSE']);
  certificate('nosign.crt', 'rsa.key', ['basicConstraints=CA:TRUE', 'keyUsage=digitalSignature']);
  certificate('critical.crt', 'rsa.key', ['basicConstraints=CA:TRUE', '1.2.3.4=critical,DER:0500']);
  openssl('rsa', '-in', 'rsa.key', '-traditional', '-out', 'rsa.pkcs1');
  openssl('ec', '-in', 'p256.key', '-out', 'p256.sec1');
  openssl('pkcs8', '-topk8', '-in', 'rsa.key', '-passout', 'pass:x', '-out', 'locked.key');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function certificate(name: string, key: string, extensions: readonly string[]): void {
  const hash = key.startsWith('rsa512') ? ['-sha1'] : [];
  const more = extensions.flatMap((one) => ['-addext', one]);
  const config = ['-config', '/dev/null', '-subj', '/CN=kubernetes'];
  openssl('req', '-x509', '-key', key, '-days', '30', '-out', name, ...hash, ...config, ...more);
}

interface Form {
  readonly crt?: (text: string) => string;
  readonly key?: (text: string) => string;
  /** What the files are made of; rsa when it is left out. */
  readonly from?: string;
  /** Taken by kubeadm, refused by this program afterwards, so by kbinit before. */
  readonly later?: string;
}

const both = (change: (text: string) => string): Form => ({ crt: change, key: change });
const behindFirstLine = (text: string, what: string): string => text.replace('-----\n', `-----\n${what}`);

const forms: Readonly<Record<string, Form>> = {
  ...Object.fromEntries(Object.keys(kinds).map((from) => [`keys of the kind ${from}`, { from }])),
  crlf: both((text) => text.replaceAll('\n', '\r\n')),
  'carriage returns alone': both((text) => text.replaceAll('\n', '\r')),
  'blanks behind the lines': both((text) => text.replaceAll('\n', ' \t\n')),
  'no last line break': both((text) => text.trimEnd()),
  'text before': both((text) => `Bag Attributes\n  name: x\n${text}`),
  'text behind': both((text) => `${text}more`),
  'a byte order mark in ca.crt': { crt: (text) => `\uFEFF${text}` },
  'a byte order mark in ca.key': { key: (text) => `\uFEFF${text}` },
  'text before BEGIN of ca.crt': { crt: (text) => `ca: ${text}` },
  'text before BEGIN of ca.key': { key: (text) => `key: ${text}` },
  'lower case': { crt: (text) => text.toLowerCase() },
  'blanks before BEGIN': { crt: (text) => `  ${text}` },
  'text behind END': { crt: (text) => `${text.trimEnd()} x\n` },
  'another END': { crt: (text) => text.replace('END CERT', 'END X509 CERT') },
  'headers in ca.crt': { crt: (text) => behindFirstLine(text, 'A: b\n\n') },
  'headers in ca.key': { key: (text) => behindFirstLine(text, 'A: b\n\n') },
  'cut off': { crt: (text) => text.slice(0, 400) },
  'an empty ca.crt': { crt: () => '' },
  'an empty ca.key': { key: () => '' },
  'the label TRUSTED CERTIFICATE': { crt: (text) => text.replaceAll('CERTIFICATE', 'TRUSTED CERTIFICATE') },
  'the key before the certificate': { crt: (text) => base('p256.key') + text },
  'a BEGIN without END before': { crt: (text) => `-----BEGIN CERTIFICATE-----\nAAAA\n${text}` },
  'PKCS#1': { key: () => base('rsa.pkcs1') },
  'PKCS#1 with the label of PKCS#8': { key: () => base('rsa.pkcs1').replaceAll('RSA PRIVATE', 'PRIVATE') },
  SEC1: { from: 'p256', key: () => base('p256.sec1') },
  'EC PARAMETERS before SEC1': {
    from: 'p256',
    key: () => `-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n${base('p256.sec1')}`,
  },
  'a passphrase': { key: () => base('locked.key') },
  'a public key': { key: () => openssl('pkey', '-in', 'rsa.key', '-pubout') },
  'a foreign key after it': { key: (text) => text + base('p256.key') },
  'a leaf': { crt: () => base('leaf.crt') },
  'a CA without keyCertSign': { crt: () => base('nosign.crt'), later: 'every program that verifies' },
  'an unknown critical extension': { crt: () => base('critical.crt'), later: 'every program that verifies' },
  'two certificates': { crt: (text) => text + base('p256.crt'), later: 'kube-controller-manager' },
  'the key of another': { key: () => base('rsa1024.key') },
};

const judged = async (form: Form, place: Place): Promise<void> => {
  const { from = 'rsa', crt = (text) => text, key = (text) => text } = form;
  const [certificateText, keyText] = [crt(base(`${from}.crt`)), key(base(`${from}.key`))];
  const theirs = kubeadmTakes(certificateText, keyText, place);
  const ours = await kbinitTakes(certificateText, keyText, place);
  expect(ours).toBe(form.later === undefined ? theirs : false);
  if (form.later !== undefined) expect(theirs).toBe(true);
};

/** A CA, and a certificate that it signs. */
interface Place {
  readonly ca: string;
  readonly leaf: string;
}

test.each(Object.entries(forms))('%s: kbinit takes it as kubeadm does', (_name, form) =>
  judged(form, { ca: 'ca', leaf: 'apiserver-kubelet-client' }),
);

const others: readonly Place[] = [
  { ca: 'front-proxy-ca', leaf: 'front-proxy-client' },
  { ca: 'etcd/ca', leaf: 'apiserver-etcd-client' },
];

describe.each(others)('at $ca', (place) => {
  const isEtcd = place.ca === 'etcd/ca';
  const here: Readonly<Record<string, Form>> = {
    ...Object.fromEntries(Object.keys(kinds).map((from) => [`keys of the kind ${from}`, { from }])),
    'two certificates': { crt: (text) => text + base('p256.crt') },
    // Each of etcd's programs ends with "x509: malformed …".
    'a key behind the certificate': { crt: (text) => text + base('p256.key'), ...(isEtcd ? { later: 'etcd' } : {}) },
    'a public key before the certificate': {
      crt: (text) => openssl('pkey', '-in', 'rsa.key', '-pubout') + text,
      ...(isEtcd ? { later: 'etcd' } : {}),
    },
    'a CA without keyCertSign': { crt: () => base('nosign.crt'), later: 'every program that verifies' },
  };

  test.each(Object.entries(here))('%s: kbinit takes it as kubeadm does', (_name, form) => judged(form, place));
});

function kubeadmTakes(certificateText: string, keyText: string, { ca, leaf }: Place): boolean {
  const dir = join(folder, 'pki');
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(join(dir, 'etcd'), { recursive: true });
  writeFileSync(join(dir, `${ca}.crt`), certificateText);
  writeFileSync(join(dir, `${ca}.key`), keyText);
  const args = ['init', 'phase', 'certs', leaf, '--cert-dir', dir];
  return spawnSync(oracleKubeadm.path, [...args, '--kubernetes-version', 'v1.36.3']).status === 0;
}

/** A refusal is a KbError with words of its own; anything else is a fault. */
async function kbinitTakes(certificateText: string, keyText: string, { ca, leaf }: Place): Promise<boolean> {
  const existing = new Map([
    [`${pkiDir}/${ca}.crt`, certificateText],
    [`${pkiDir}/${ca}.key`, keyText],
  ]);
  try {
    await ensurePki(pkiRequest(spec(), { existing, now: new Date(), only: [leaf] }));
    return true;
  } catch (error) {
    if (error instanceof KbError) return false;
    throw error;
  }
}
