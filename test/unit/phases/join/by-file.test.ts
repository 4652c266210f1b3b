import { beforeAll, describe, expect, test } from 'vitest';
import { KbError } from '../../../../src/errors.ts';
import { discover } from '../../../../src/phases/join/discovery.ts';
import { toBase64 } from '../../../../src/util/text.ts';
import {
  clusterInfo,
  clusterInfoPath,
  configMaps,
  endpoint,
  joinFrom,
  pki,
  serve,
  signedInfo,
  token,
  type Answers,
  type Join,
  type Pki,
} from './fixture.ts';

const path = '/etc/discovery.conf';
const server = `https://${endpoint}`;

let ours: Pki;
let theirs: Pki;

beforeAll(async () => {
  ours = await pki('ECDSA-P256', ['192.168.3.129']);
  theirs = await pki('ECDSA-P384', ['192.168.3.129']);
});

interface Written {
  readonly cluster?: Readonly<Record<string, unknown>>;
  readonly user?: Readonly<Record<string, unknown>>;
}

/** A kubeconfig with a current context. */
function fileWith({ cluster = {}, user = { token } }: Written = {}): string {
  return JSON.stringify({
    clusters: [
      { name: 'other', cluster: { server: 'https://10.0.0.9:6443' } },
      { name: 'c', cluster: { server, 'certificate-authority-data': toBase64(ours.ca), ...cluster } },
    ],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
    users: [{ name: 'u', user }],
  });
}

interface Case {
  readonly text?: string | undefined;
  readonly files?: Readonly<Record<string, string>>;
  readonly certificate?: Pki;
  readonly answers?: Answers;
  readonly flags?: Parameters<typeof joinFrom>[0];
  readonly bundle?: string;
}

async function join({ text, files = {}, certificate = ours, answers, flags = {}, bundle = '' }: Case): Promise<Join> {
  const port = await serve(certificate, {
    ...configMaps(),
    ...(answers ?? { [clusterInfoPath]: () => signedInfo(ours.ca) }),
  });
  const discoveryFile = { discoveryFile: path, ...flags };
  return joinFrom(
    discoveryFile,
    { [endpoint]: port },
    {
      files: { ...(text === undefined ? {} : { [path]: text }), ...files },
      replies: [['ca-certificates.crt', bundle]],
      timeoutSeconds: 0.3,
    },
  );
}

async function failure(given: Case): Promise<KbError> {
  const { ctx, host } = await join(given);
  const before = [...host.files.keys()];
  const error: unknown = await discover(ctx).then(
    () => 'no failure',
    (cause: unknown) => cause,
  );
  expect([...host.files.keys()]).toEqual(before);
  if (error instanceof KbError) return error;
  throw new Error(`no KbError: ${String(error)}`);
}

async function credentials(given: Case): Promise<unknown> {
  return (await discover((await join(given)).ctx)).credentials;
}

describe('a discovery file', () => {
  test('with a CA and a token is all that a join needs', async () => {
    await expect(credentials({ text: fileWith() })).resolves.toEqual({ server, ca: ours.ca, token });
  });

  test('may be cluster-info itself: one nameless cluster and nobody to log in as', async () => {
    const text = JSON.stringify({
      clusters: [{ name: '', cluster: { server, 'certificate-authority-data': toBase64(ours.ca) } }],
      contexts: null,
      users: null,
    });
    const given = { text, flags: { tlsBootstrapToken: token } };
    await expect(credentials(given)).resolves.toEqual({ server, ca: ours.ca, token });
  });

  test('lends its cluster, and --tls-bootstrap-token wins over its user', async () => {
    const given = { text: fileWith({ user: { token: 'not.this' } }), flags: { tlsBootstrapToken: token } };
    await expect(credentials(given)).resolves.toEqual({ server, ca: ours.ca, token });
  });

  test('names files beside it and elsewhere, which are read on the host', async () => {
    const cluster = { 'certificate-authority-data': undefined, 'certificate-authority': 'pki/ca.pem' };
    const text = fileWith({ cluster, user: { token: 'not.this', tokenFile: '/run/token' } });
    const files = { '/etc/pki/ca.pem': ours.ca, '/run/token': `${token}\n` };
    await expect(credentials({ text, files })).resolves.toEqual({ server, ca: ours.ca, token });
  });

  test('may log in with a client certificate and its key', async () => {
    const user = { 'client-certificate': '/c.pem', 'client-key-data': toBase64(ours.key), token };
    const given = { text: fileWith({ user }), files: { '/c.pem': ours.cert } };
    await expect(credentials(given)).resolves.toEqual({
      server,
      ca: ours.ca,
      clientCert: ours.cert,
      clientKey: ours.key,
      token,
    });
  });

  test('is enough where the cluster lets nobody read cluster-info', async () => {
    const { ctx, events } = await join({ text: fileWith(), answers: { [clusterInfoPath]: () => ({ status: 403 }) } });
    await expect(discover(ctx)).resolves.toMatchObject({ credentials: { ca: ours.ca } });
    expect(events).toContainEqual(expect.objectContaining({ kind: 'warning', text: expect.stringContaining('alone') }));
  });

  test.each([
    ['has no kubeconfig', clusterInfo('', undefined)],
    ['is broken', clusterInfo('clusters: [', undefined)],
  ])('is enough where cluster-info %s', async (_, info) => {
    await expect(credentials({ text: fileWith(), answers: { [clusterInfoPath]: () => info } })).resolves.toMatchObject({
      ca: ours.ca,
    });
  });

  test('keeps its server where the cluster names another, which is told', async () => {
    const answers = { [clusterInfoPath]: () => signedInfo(ours.ca, 'https://lb.example:6443') };
    const { ctx, events } = await join({ text: fileWith(), answers });
    await expect(discover(ctx)).resolves.toMatchObject({ credentials: { server } });
    expect(events).toContainEqual(
      expect.objectContaining({ kind: 'warning', text: expect.stringContaining('https://lb.example:6443') }),
    );
  });

  test('without a CA goes by those that the host trusts, and takes the CA from cluster-info', async () => {
    const text = fileWith({ cluster: { 'certificate-authority-data': undefined } });
    await expect(credentials({ text, bundle: ours.ca })).resolves.toEqual({ server, ca: ours.ca, token });
  });
});

describe('a discovery file is refused before any cluster is asked', () => {
  const cluster = (changes: Readonly<Record<string, unknown>>): string => fileWith({ cluster: changes });

  test.each<[string, () => Case, string, string]>([
    ['does not exist', () => ({}), 'KB_DISCOVERY_FILE', `${path} does not exist on node1`],
    ['is empty', () => ({ text: '' }), 'KB_DISCOVERY_FILE', 'it is empty'],
    ['is a list', () => ({ text: '[]' }), 'KB_DISCOVERY_FILE', 'it is not a kubeconfig'],
    ['is not YAML', () => ({ text: 'a: [secret' }), 'KB_DISCOVERY_FILE', 'it is not YAML'],
    ['has no cluster', () => ({ text: '{"clusters": []}' }), 'KB_DISCOVERY_FILE', 'it has no cluster'],
    [
      'has no current context',
      () => ({ text: fileWith().replace('"current-context":"x"', '"current-context":"y"') }),
      'KB_DISCOVERY_FILE',
      'its current-context is not among its contexts',
    ],
    [
      'has a context of no cluster',
      () => ({ text: fileWith().replace('"cluster":"c"', '"cluster":"d"') }),
      'KB_DISCOVERY_FILE',
      'it has no cluster "d"',
    ],
    ['has no server', () => ({ text: cluster({ server: '' }) }), 'KB_DISCOVERY_FILE', 'its cluster has no server'],
    [
      'has an http server',
      () => ({ text: cluster({ server: 'http://10.0.0.1:8080' }) }),
      'KB_DISCOVERY_FILE',
      'is not an https URL',
    ],
    [
      'trusts everybody',
      () => ({ text: cluster({ 'insecure-skip-tls-verify': true }) }),
      'KB_DISCOVERY_FILE',
      'insecure-skip-tls-verify',
    ],
    [
      'names a file that is not there',
      () => ({ text: cluster({ 'certificate-authority-data': undefined, 'certificate-authority': '/ca.pem' }) }),
      'KB_DISCOVERY_FILE',
      '/ca.pem, which does not exist on node1',
    ],
    [
      'has a CA that is none',
      () => ({ text: cluster({ 'certificate-authority-data': toBase64('nonsense') }) }),
      'KB_DISCOVERY_CA',
      path,
    ],
    [
      'has nobody to log in as',
      () => ({ text: fileWith({ user: {} }) }),
      'KB_DISCOVERY_CREDENTIALS',
      'neither a token nor a client certificate with its key',
    ],
    [
      'has a client certificate without its key',
      () => ({ text: fileWith({ user: { 'client-certificate-data': toBase64(ours.cert) } }) }),
      'KB_DISCOVERY_CREDENTIALS',
      'neither a token nor a client certificate with its key',
    ],
    [
      'logs in by a program',
      () => ({ text: fileWith({ user: { exec: { command: 'aws' } } }) }),
      'KB_DISCOVERY_CREDENTIALS',
      'logs in by exec',
    ],
  ])('when it %s', async (_, given, code, found) => {
    let looks = 0;
    const error = await failure({ ...given(), answers: { [clusterInfoPath]: () => String(looks++) } });
    expect(error.problems.map((problem) => problem.code)).toEqual([code]);
    expect(error.problems[0]?.detail).toContain(found);
    expect(error.exitCode).toBe(1);
    expect(JSON.stringify(error.problems)).not.toContain('secret');
    expect(looks).toBe(0);
  });
});

describe('discovery by file fails and says why', () => {
  test('when the server shows a certificate of another CA: exit code 4', async () => {
    const error = await failure({ text: fileWith(), certificate: theirs });
    expect(error.problems[0]).toMatchObject({
      code: 'KB_DISCOVERY_TLS',
      detail: expect.stringContaining(`the CA of ${path} on node1 did not sign`),
    });
    expect(error.exitCode).toBe(4);
  });

  test('when the file has no CA and the host trusts none of the server', async () => {
    const text = fileWith({ cluster: { 'certificate-authority-data': undefined } });
    const error = await failure({ text, bundle: theirs.ca });
    expect(error.problems[0]).toMatchObject({
      code: 'KB_DISCOVERY_TLS',
      detail: expect.stringContaining('a CA that node1 trusts'),
    });
  });

  test('when neither the file nor cluster-info has a CA', async () => {
    const text = fileWith({ cluster: { 'certificate-authority-data': undefined } });
    const answers = { [clusterInfoPath]: () => ({ status: 403 }) };
    const error = await failure({ text, bundle: ours.ca, answers });
    expect(error.problems[0]?.code).toBe('KB_DISCOVERY_CA');
  });

  test('when nobody answers', async () => {
    const error = await failure({ text: fileWith({ cluster: { server: 'https://10.0.0.1:6443' } }) });
    expect(error.problems[0]).toMatchObject({
      code: 'KB_DISCOVERY_TIMEOUT',
      detail: expect.stringContaining('ECONNREFUSED'),
    });
  });
});
