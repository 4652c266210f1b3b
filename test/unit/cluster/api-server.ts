// An API server of literal answers for the client's own tests: what it was asked is kept.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect } from 'node:net';
import { afterEach } from 'vitest';
import { openApi } from '../../../src/cluster/client.ts';
import type { Api } from '../../../src/cluster/types.ts';
import { recordingReporter } from '../../fakes/host.ts';

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

interface Asked {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly body: unknown;
}

/** An API server that gives these answers, one after the other and then the last again. */
export async function apiServer(
  ...answers: readonly { readonly status: number; readonly body: unknown }[]
): Promise<{ readonly api: Api; readonly asked: Asked[] }> {
  const asked: Asked[] = [];
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      const body: unknown = text === '' ? undefined : JSON.parse(text);
      asked.push({ method: request.method, path: request.url, body });
      const answer = answers[Math.min(asked.length, answers.length) - 1] ?? { status: 500, body: {} };
      response.writeHead(answer.status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(answer.body));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const api = openApi({
    server: `http://127.0.0.1:${address.port}`,
    dial: async (host, port) => connect(port, host),
    host: 'master1',
    reporter: recordingReporter(),
    signal: new AbortController().signal,
    callSeconds: 2,
  });
  return { api, asked };
}
