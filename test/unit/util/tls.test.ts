// Trust as Go has it, over real sockets: a server whose CA is an intermediate without its root.
import { createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:tls';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { openApi } from '../../../src/cluster/client.ts';
import { openEtcd } from '../../../src/cluster/etcd.ts';
import type { ApiCredentials } from '../../../src/cluster/types.ts';
import { readCertificates, signCertificate, type Certificate } from '../../../src/certs/x509.ts';
import { probeExternalEtcd } from '../../../src/preflight/external-etcd.ts';
import { openTls } from '../../../src/util/tls.ts';
import { FakeHost } from '../../fakes/host.ts';
import { p256Pairs, pairOf, rsaPairs } from '../../fakes/keys.ts';
import { dial } from '../cluster/gateway.ts';
import { externalEtcd } from '../preflight/fixtures.ts';

const [rootPair, caPair, leafPair] = [pairOf(p256Pairs, 0), pairOf(rsaPairs, 0), pairOf(rsaPairs, 1)];

function sign(
  commonName: string,
  publicPem: string,
  signer: { readonly privatePem: string; readonly certificate?: Certificate },
  isCa = true,
): string {
  const template = {
    subject: { commonName, organizations: [] },
    serial: 7n,
    notBefore: new Date(Date.now() - 3_600_000),
    notAfter: new Date(Date.now() + 3_600_000),
    publicPem,
    isCa,
    usages: isCa ? [] : ['serverAuth'],
    altNames: isCa ? { dnsNames: [], ipAddresses: [] } : { dnsNames: ['kubernetes'], ipAddresses: ['127.0.0.1'] },
    keyIdentifier: 'sha256',
  } as const;
  return signCertificate(template, createPrivateKey(signer.privatePem), signer.certificate);
}

function only(pem: string): Certificate {
  const [certificate] = readCertificates(pem);
  if (certificate === undefined) throw new Error('not a certificate');
  return certificate;
}

const rootPem = sign('corporate-root', rootPair.publicPem, rootPair);
const intermediatePem = sign('kubernetes', caPair.publicPem, { ...rootPair, certificate: only(rootPem) });
const otherPem = sign('kubernetes', rootPair.publicPem, rootPair);
const leafPem = sign('server', leafPair.publicPem, { ...caPair, certificate: only(intermediatePem) }, false);

const answer = '{"etcdserver":"3.6.8","members":[],"kind":"Status"}';
let server: Server;
let port = 0;

beforeAll(() => {
  server = createServer({ cert: leafPem, key: leafPair.privatePem }, (socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      const head = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${answer.length}\r\n\r\n`;
      socket.write(head + answer);
    });
  });
  return new Promise<() => void>((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      port = address !== null && typeof address === 'object' ? (address satisfies AddressInfo).port : 0;
      resolve(() => server.close());
    });
  });
});

const opened: { close(): void }[] = [];
afterEach(() => opened.splice(0).forEach((one) => one.close()));

function api(credentials: Omit<ApiCredentials, 'server'>, callSeconds = 1): ReturnType<typeof openApi> {
  const signal = new AbortController().signal;
  const reporter = { emit: () => undefined };
  const options = { server: `https://127.0.0.1:${port}`, dial, host: 'master1', reporter, signal, callSeconds };
  const client = openApi({ ...options, ...credentials });
  opened.push(client);
  return client;
}

test('a CA that is not self-signed is trusted by the API client', async () => {
  expect(await api({ ca: intermediatePem }).raw('/livez', 5)).toMatchObject({ status: 200 });
});

test('a CA that is not self-signed is trusted by the etcd client', async () => {
  const etcd = openEtcd(dial, { endpoints: [`https://127.0.0.1:${port}`], ca: intermediatePem });
  expect(await etcd.members()).toEqual([]);
});

test('a CA that is not self-signed is trusted when an external etcd is asked', async () => {
  const host = new FakeHost({ dial, files: { '/ca.crt': intermediatePem } });
  const etcd = { ...externalEtcd, endpoints: [`https://127.0.0.1:${port}`], caFile: '/ca.crt' };
  expect(await probeExternalEtcd(host, etcd, { attempts: 1 })).toMatchObject([{ version: '3.6.8' }]);
});

test.each([
  ['a CA of the same name with another key', otherPem],
  ['the root of a server that sends no intermediate', rootPem],
  ['text without a certificate', 'nothing'],
])('%s is not trusted', async (_what, ca) => {
  const socket = openTls(await dial('127.0.0.1', port), { name: 'kubernetes', ca });
  const [error] = await once(socket, 'error');
  expect(error).toMatchObject({ code: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY' });
});

test('every certificate of a bundle is an anchor, whatever stands between them', async () => {
  const bundle = `subject=x\n${otherPem}junk\n${intermediatePem.replaceAll('\n', ' \r\n')}`;
  expect(await api({ ca: bundle }).raw('/livez', 5)).toMatchObject({ status: 200 });
});

test('a certificate that TLS refuses is named as that, not as an API server that is down', async () => {
  const asked = api({ ca: otherPem }).get({ apiVersion: 'v1', kind: 'Node', name: 'x' });
  await expect(asked).rejects.toMatchObject({ problems: [{ code: 'KB_API_TLS', host: 'master1' }] });
});

test('a certificate that TLS refuses ends a long wait within seconds', async () => {
  const start = performance.now();
  const asked = api({ ca: otherPem }, 60).get({ apiVersion: 'v1', kind: 'Node', name: 'x' });
  await expect(asked).rejects.toMatchObject({ problems: [{ code: 'KB_API_TLS' }] });
  expect(performance.now() - start).toBeLessThan(10_000);
});

test('a client key that cannot be read fails the request and nothing else', async () => {
  const client = api({ ca: intermediatePem, clientCert: leafPem, clientKey: 'no key' });
  await expect(client.raw('/livez', 5)).rejects.toThrow(/unsupported|no start line/);
});
