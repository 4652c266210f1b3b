import { createServer, type Server } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { unreachableFromHere } from '../../../src/cli/run/server-probe.ts';
import { fetchedKubeconfig, readServerUrl, type Fetched } from '../../../src/kubeconfig/fetched.ts';
import { clientOf, parseKubeconfig } from '../../../src/kubeconfig/kubeconfig.ts';
import { readYaml, writeYaml } from '../../../src/util/yaml.ts';
import { pkiDir } from '../certs/fixture.ts';
import { controlPlane } from './control-plane.ts';

const path = '/etc/kubernetes/admin.conf';
let disk: ReadonlyMap<string, string>;
let text: string;

beforeAll(async () => {
  disk = await controlPlane();
  text = disk.get(path) ?? '';
});

function fetched(from: string, server?: string): Fetched {
  const given = server === undefined ? {} : { server };
  return fetchedKubeconfig({
    host: 'master1',
    path,
    credentials: clientOf(from, path),
    names: parseKubeconfig(from, path),
    ...given,
  });
}

/** The file with something put into the body of its first cluster, context or user. */
function tampered(list: 'clusters' | 'users', body: string, fields: Readonly<Record<string, unknown>>): string {
  const document: unknown = JSON.parse(JSON.stringify(readYaml(text)), (key: string, value: unknown) =>
    key === body && typeof value === 'object' ? { ...value, ...fields } : value,
  );
  expect(JSON.stringify(document)).toContain(list);
  return writeYaml(document);
}

describe('the kubeconfig of a host', () => {
  test('is the same for kubectl here', () => {
    const { text: here, server } = fetched(text);
    expect(server).toBe(clientOf(text, path).server);
    expect(parseKubeconfig(here, path)).toMatchObject({
      clusterName: 'kubernetes',
      userName: 'kubernetes-admin',
      server,
    });
    expect(clientOf(here, path).ca).toBe(clientOf(text, path).ca);
    expect(clientOf(here, path).clientCert).toBe(clientOf(text, path).clientCert);
  });

  test.each([
    ['users', 'user', { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: '/bin/sh' } }],
    ['users', 'user', { 'auth-provider': { name: 'gcp', config: { 'cmd-path': '/bin/sh' } } }],
    ['users', 'user', { tokenFile: '/home/me/.ssh/id_ed25519', as: 'root' }],
    ['clusters', 'cluster', { 'proxy-url': 'http://evil.example', 'insecure-skip-tls-verify': true }],
  ] as const)('brings nothing to execute, follow or read: %s.%s %j', (list, body, fields) => {
    expect(fetched(tampered(list, body, fields)).text).toBe(fetched(text).text);
  });

  test.each([
    ['a server that is not one', 'clusters', 'cluster', { server: 'https://u:p@10.0.0.1:6443' }],
    ['a server with a path', 'clusters', 'cluster', { server: 'https://10.0.0.1:6443/x?y' }],
    ['a CA that is not one', 'clusters', 'cluster', { 'certificate-authority-data': 'bm90aGluZw==' }],
    ['no client certificate', 'users', 'user', { 'client-certificate-data': '' }],
    ['another key', 'users', 'user', { 'client-key-data': 'bm90aGluZw==' }],
  ] as const)('is refused with %s', (_what, list, body, fields) => {
    expect(() => fetched(tampered(list, body, fields))).toThrow('KB_KUBECONFIG_INVALID');
  });

  test('is refused with a name that is not one', () => {
    expect(() => fetched(text.replaceAll('kubernetes-admin', '"a\\nb"'))).toThrow();
  });

  test('names the server that was asked for; through a tunnel also the name in the certificate', () => {
    expect(fetched(text, 'https://api.example').text).toContain('server: https://api.example\n');
    expect(fetched(text, 'https://api.example').text).not.toContain('tls-server-name');
    const { host } = new URL(clientOf(text, path).server);
    const tunnel = fetched(text, 'https://127.0.0.1:7443');
    expect(tunnel.text).toContain(`tls-server-name: ${host.split(':')[0] ?? ''}\n`);
    expect(tunnel.server).toBe('https://127.0.0.1:7443');
  });
});

test.each(['http://a:1', 'a:6443', 'https://', 'https://a b', 'https://a/b', 'https://u@a', 'https://a:123456'])(
  '%s is no server to use',
  (url) => {
    expect(readServerUrl(url)).toBeUndefined();
  },
);

describe('whether it is reached from here', () => {
  let server: Server;
  let url: string;

  beforeAll(async () => {
    const [cert, key] = ['apiserver.crt', 'apiserver.key'].map((name) => disk.get(`${pkiDir}/${name}`) ?? '');
    server = createServer({ cert, key });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port }: AddressInfo = Object(server.address());
    url = `https://127.0.0.1:${port}`;
  });
  afterAll(() => void server.close());

  test('is seen through a tunnel, by the name in its certificate', async () => {
    const { ca, serverName } = fetched(text, url);
    expect(await unreachableFromHere(url, ca, serverName)).toBeUndefined();
    expect(await unreachableFromHere(url, ca, 'kubernetes')).toBeUndefined();
  });

  test('another name, another CA and a closed port are told', async () => {
    const { ca, serverName } = fetched(text);
    expect(await unreachableFromHere(url, ca, 'other.example')).toContain('other.example');
    const frontProxy = disk.get(`${pkiDir}/front-proxy-ca.crt`) ?? '';
    expect(await unreachableFromHere(url, frontProxy, serverName)).toMatch(/certificate/);
    expect(await unreachableFromHere('https://127.0.0.1:1', ca, serverName)).toContain('ECONNREFUSED');
  });
});
