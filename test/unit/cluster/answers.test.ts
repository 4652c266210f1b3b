import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { openApi } from '../../../src/cluster/client.ts';
import { openEtcd } from '../../../src/cluster/etcd.ts';
import type { Api } from '../../../src/cluster/types.ts';
import { failureOf } from '../../fakes/failure.ts';
import { recordingReporter } from '../../fakes/host.ts';

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

const ref = { apiVersion: 'v1', kind: 'ConfigMap', name: 'x', namespace: 'kube-system' };
const kind = { apiVersion: 'v1', kind: 'Node' };

/** Where something that answers so listens. */
async function listening(answer: (response: ServerResponse) => void): Promise<string> {
  server = createServer((_, response) => answer(response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `http://127.0.0.1:${address.port}`;
}

async function apiThat(answer: (response: ServerResponse) => void): Promise<Api> {
  return openApi({
    server: await listening(answer),
    dial: async (host, port) => connect(port, host),
    host: 'master1',
    reporter: recordingReporter(),
    signal: new AbortController().signal,
    callSeconds: 1,
  });
}

/** Writes as long as somebody reads; the answer is how much that was. */
function endlessly(response: ServerResponse): { bytes: number } {
  const count = { bytes: 0 };
  const piece = Buffer.alloc(65_536, 'x');
  const more = (): void => {
    if (response.destroyed || response.writableEnded) return;
    count.bytes += piece.length;
    if (response.write(piece)) setImmediate(more);
    else response.once('drain', more);
  };
  more();
  return count;
}

describe('what an API server answers', () => {
  test('without end is given up with a named error, before anything is known of it after a megabyte', async () => {
    let count = { bytes: 0 };
    const api = await apiThat((response) => (count = endlessly(response)));
    const failure = await failureOf(api.get(ref));
    expect(failure.problems[0]).toMatchObject({ code: 'KB_ANSWER_TOO_LONG', host: 'master1' });
    expect(count.bytes).toBeLessThan(16 * 2 ** 20);
    api.close();
  });

  test.each([
    ['a page of a proxy', 'Error: open the portal to log in'],
    ['a list', '[1,2]'],
    ['null', 'null'],
    ['half of an object', '{"kind":"ConfigMap"'],
    ['an object without metadata', '{"kind":"ConfigMap"}'],
    ['metadata of other types', '{"kind":"ConfigMap","metadata":{"name":"x","labels":[1]}}'],
    ['a thousand levels', `${'['.repeat(1000)}${']'.repeat(1000)}`],
  ])('as %s is no bug, and its beginning is shown', async (_, body) => {
    const api = await apiThat((response) => response.end(body));
    const problem = (await failureOf(api.get(ref))).problems[0];
    expect(problem).toMatchObject({ code: 'KB_API_ANSWER', host: 'master1' });
    expect(problem?.detail).toContain(body.slice(0, 30));
    api.close();
  });

  test('as a list with items that are no objects is refused', async () => {
    const api = await apiThat((response) => response.end('{"items":[{"metadata":{"name":"a"}},7]}'));
    expect((await failureOf(api.list(kind))).has('KB_API_ANSWER')).toBe(true);
    api.close();
  });

  test('as a message of a megabyte is shown by its beginning', async () => {
    const message = 'x'.repeat(500_000);
    const api = await apiThat((response) => response.writeHead(403).end(JSON.stringify({ message })));
    expect((await failureOf(api.get(ref))).problems[0]?.detail.length).toBeLessThan(1000);
    api.close();
  });
});

test('what etcd answers without end is given up', async () => {
  const endpoint = await listening((response) => void endlessly(response));
  const etcd = openEtcd(async (host, port) => connect(port, host), { endpoints: [endpoint] });
  await expect(etcd.members()).rejects.toThrow('longer than 1048576 bytes');
});
