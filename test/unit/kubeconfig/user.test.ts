import { beforeAll, expect, test } from 'vitest';
import { readCertificates } from '../../../src/certs/x509.ts';
import { KbError } from '../../../src/errors.ts';
import { parseKubeconfig } from '../../../src/kubeconfig/kubeconfig.ts';
import { userKubeconfig, type UserRequest } from '../../../src/kubeconfig/user.ts';
import { fixedRandomSource } from '../../fakes/keys.ts';
import { fileOf, freshPki, now, spec, version } from '../certs/fixture.ts';
import { changed } from './control-plane.ts';

let disk = new Map<string, string>();
beforeAll(async () => {
  disk = await freshPki();
});

const hour = 3600;

function request(change: Partial<UserRequest> = {}): UserRequest {
  return {
    ...spec(),
    name: 'bob',
    identity: { kind: 'certificate', organizations: ['dev', 'ops'], validitySeconds: 2 * hour },
    existing: disk,
    chance: fixedRandomSource(),
    now,
    ...change,
  };
}

test.each(['v1.25.7', 'v1.36.3'])(
  '%s: the certificate names the user and the groups, begins with the CA and lives as long as was asked',
  async (release) => {
    const { cluster } = spec({ version: version(release), controlPlaneEndpoint: 'k8s.example' });
    const text = await userKubeconfig(request({ cluster }));
    const context = parseKubeconfig(text, 'bob.conf');
    expect([context.userName, context.server]).toEqual(['bob', 'https://k8s.example:6443']);
    expect(context.ca).toEqual({ kind: 'data', text: fileOf(disk, 'ca.crt') });
    const [certificate] = readCertificates(
      context.clientCertificate?.kind === 'data' ? context.clientCertificate.text : '',
    );
    const [ca] = readCertificates(fileOf(disk, 'ca.crt'));
    expect(certificate).toMatchObject({
      subject: { commonName: 'bob', organizations: ['dev', 'ops'] },
      usages: ['clientAuth'],
      notBefore: ca?.notBefore,
      notAfter: new Date(Math.floor((now.getTime() + 2 * hour * 1000) / 1000) * 1000),
    });
  },
);

test('a token needs no key of the CA', async () => {
  const existing = changed(disk, { 'ca.key': undefined });
  const text = await userKubeconfig(request({ existing, identity: { kind: 'token', token: 't0' } }));
  expect(parseKubeconfig(text, 'x')).toMatchObject({ token: 't0', clientCertificate: undefined, clientKey: undefined });
});

test.each([
  ['its key is kept elsewhere', { 'ca.key': undefined }, 'KB_CA_KEY_MISSING'],
  ['it is not there', { 'ca.crt': undefined, 'ca.key': undefined }, 'KB_PKI_INCOMPLETE'],
] as const)('the CA cannot sign: %s', async (_why, changes, code) => {
  const error: unknown = await userKubeconfig(request({ existing: changed(disk, changes) })).catch((e: unknown) => e);
  expect(error instanceof KbError && error.has(code)).toBe(true);
});
