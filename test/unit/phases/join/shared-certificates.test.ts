import { expect, test } from 'vitest';
import { encrypt } from '../../../../src/certs/encrypt.ts';
import { sharedFiles } from '../../../../src/certs/shared.ts';
import { decryptShared, missingShared } from '../../../../src/phases/join/shared-certificates.ts';
import { spec } from '../../certs/fixture.ts';

const key = '8d4388a541f7b0da0206d17495a728d4ec3d07a8f9287ab9123cfcb2185c3c94';
const files = sharedFiles(spec().cluster);
const pki = '/etc/kubernetes/pki';

/** The Secret as an upload makes it: every file under its name, one nonce each. */
function uploaded(changes: Readonly<Record<string, string | undefined>> = {}): Record<string, string | undefined> {
  const values = files.map(({ name }, index): [string, string] => [
    name,
    encrypt(Buffer.from(`the ${name}`), key, Buffer.alloc(12, index)).toString('base64'),
  ]);
  return { ...Object.fromEntries(values), ...changes };
}

test('every file opens with the key, and goes to its own path', () => {
  const texts = decryptShared(uploaded(), files, key);
  expect(texts.size).toBe(files.length);
  expect(texts.get(`${pki}/etcd/ca.key`)).toBe('the etcd-ca.key');
  expect(texts.get(`${pki}/sa.pub`)).toBe('the sa.pub');
});

test('another key opens nothing, and is not in the message', () => {
  const other = key.replaceAll('8', '9');
  expect(() => decryptShared(uploaded(), files, other)).toThrow(/KB_CERTIFICATE_KEY/);
  expect(() => decryptShared(uploaded(), files, other)).not.toThrow(new RegExp(other));
});

test('the key of a CA that is kept elsewhere is an empty value, and no file', () => {
  const texts = decryptShared(uploaded({ 'ca.key': '' }), files, key);
  expect(texts.has(`${pki}/ca.key`)).toBe(false);
  expect(texts.has(`${pki}/ca.crt`)).toBe(true);
});

test('a Secret that lacks a file is not complete', () => {
  expect(() => decryptShared(uploaded({ 'sa.key': undefined }), files, key)).toThrow(/KB_CERTS_MISSING.*sa\.key/);
});

test('a control plane needs the certificates and the service-account pair; the keys of CAs may be elsewhere', () => {
  expect(missingShared({ spec: { ...spec(), timeouts: timeouts(), isDryRun: false } }, new Map())).toEqual([
    `${pki}/ca.crt`,
    `${pki}/front-proxy-ca.crt`,
    `${pki}/sa.pub`,
    `${pki}/sa.key`,
    `${pki}/etcd/ca.crt`,
  ]);
});

function timeouts(): Parameters<typeof missingShared>[0]['spec']['timeouts'] {
  return {
    controlPlaneComponentHealthCheck: 1,
    kubeletHealthCheck: 1,
    kubernetesAPICall: 1,
    etcdAPICall: 1,
    tlsBootstrap: 1,
    discovery: 1,
    upgradeManifests: 1,
  };
}
