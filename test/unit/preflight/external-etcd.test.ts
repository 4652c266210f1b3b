// Asking external etcd for its version, over a real socket.
import { createServer, type Server } from 'node:http';
import { connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { probeExternalEtcd } from '../../../src/preflight/external-etcd.ts';
import { FakeHost } from '../../fakes/host.ts';
import { externalEtcd } from './fixtures.ts';

let server: Server | undefined;
afterEach(() => void server?.close());

/** An etcd that answers each request with the next status and body; the last one again and again. */
async function etcd(...answers: readonly (readonly [number, string])[]): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  server = createServer((query, response) => {
    const [status, body] = answers[Math.min(asked.length, answers.length - 1)] ?? [500, ''];
    asked.push(query.url ?? '');
    response.writeHead(status).end(body);
  });
  await new Promise<void>((resolve) => void server?.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return { url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/`, asked };
}

const host = new FakeHost({
  dial: async (address, port) => {
    const socket = connect(port, address);
    await new Promise<void>((resolve, reject) => void socket.once('connect', resolve).once('error', reject));
    return socket;
  },
});
const quick = { pauseMilliseconds: 1, timeoutMilliseconds: 500 };

test('the version is read from /version, without doubled slashes', async () => {
  const { url, asked } = await etcd([200, '{"etcdserver":"3.6.8","etcdcluster":"3.6.0"}']);
  expect(await probeExternalEtcd(host, { ...externalEtcd, endpoints: [url] }, quick)).toEqual([
    { endpoint: url, version: '3.6.8' },
  ]);
  expect(asked).toEqual(['/version']);
});

test('httpEndpoints go before endpoints', async () => {
  const { url } = await etcd([200, '{"etcdserver":"3.6.8"}']);
  const answers = await probeExternalEtcd(host, { ...externalEtcd, httpEndpoints: [url] }, quick);
  expect(answers.map((answer) => answer.endpoint)).toEqual([url]);
});

test('a server error is retried, a client error is not', async () => {
  const flaky = await etcd([503, ''], [200, '{"etcdserver":"3.6.8"}']);
  expect(await probeExternalEtcd(host, { ...externalEtcd, endpoints: [flaky.url] }, quick)).toEqual([
    { endpoint: flaky.url, version: '3.6.8' },
  ]);
  server?.close();
  const closed = await etcd([401, '']);
  expect(await probeExternalEtcd(host, { ...externalEtcd, endpoints: [closed.url] }, quick)).toEqual([
    { endpoint: closed.url, failure: 'HTTP status 401' },
  ]);
  expect(closed.asked).toHaveLength(1);
});

test('nobody there is told after four attempts', async () => {
  let dials = 0;
  const nobody = new FakeHost({
    dial: async () => {
      dials++;
      throw new Error('connection refused');
    },
  });
  expect(await probeExternalEtcd(nobody, externalEtcd, quick)).toEqual([
    { endpoint: 'https://10.0.0.1:2379', failure: 'connection refused' },
  ]);
  expect(dials).toBe(4);
});

test('an answer that never comes is given up', async () => {
  server = createServer(() => undefined);
  await new Promise<void>((resolve) => void server?.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  const [answer] = await probeExternalEtcd(
    host,
    { ...externalEtcd, endpoints: [url] },
    { attempts: 1, timeoutMilliseconds: 50 },
  );
  expect(answer).toEqual({ endpoint: url, failure: 'no answer within 0.05 s' });
  server.closeAllConnections();
});
