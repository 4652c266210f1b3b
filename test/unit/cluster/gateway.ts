// An etcd gateway for tests: a TLS server with kubeadm's etcd certificates that answers as a test says.
import { once } from 'node:events';
import { createServer as createPlain, type RequestListener, type Server } from 'node:http';
import { createServer } from 'node:https';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import type { EtcdCredentials } from '../../../src/cluster/types.ts';
import { ensurePki } from '../../../src/certs/pki.ts';
import { fileOf, onDisk, pkiRequest, spec } from '../certs/fixture.ts';

/** What a gateway says: a body for 200, or a status with etcd's words; `hang` never answers, `cut` ends the connection after doing it. */
export type Reply =
  | { readonly body: Readonly<Record<string, unknown>> }
  | { readonly status: number; readonly message: string }
  | 'hang'
  | 'cut';

export interface Asked {
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface Gateway {
  /** `https://127.0.0.1:PORT` */
  readonly endpoint: string;
  readonly port: number;
  readonly asked: readonly Asked[];
  close(): Promise<void>;
}

let disk: Promise<ReadonlyMap<string, string>> | undefined;

/** The PKI of the fixture's cluster, valid now. */
async function pki(): Promise<ReadonlyMap<string, string>> {
  disk ??= ensurePki(pkiRequest(spec(), { now: new Date() })).then(onDisk);
  return disk;
}

/** What kubeadm gives to whoever looks after etcd. */
export async function credentials(): Promise<Required<Omit<EtcdCredentials, 'endpoints'>>> {
  const files = await pki();
  return {
    ca: fileOf(files, 'etcd/ca.crt'),
    cert: fileOf(files, 'etcd/healthcheck-client.crt'),
    key: fileOf(files, 'etcd/healthcheck-client.key'),
  };
}

/** Listen on 127.0.0.1 (or another address of this machine) and answer. */
export async function gateway(
  answer: (asked: Asked, count: number) => Reply,
  where: { readonly address?: string; readonly plain?: boolean } = {},
): Promise<Gateway> {
  const files = await pki();
  const asked: Asked[] = [];
  const listener: RequestListener = (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body: Readonly<Record<string, unknown>> = JSON.parse(Buffer.concat(chunks).toString('utf8'));
      asked.push({ path: request.url ?? '', body });
      const reply = answer({ path: request.url ?? '', body }, asked.length);
      if (reply === 'hang') return;
      if (reply === 'cut') {
        request.socket.destroy();
        return;
      }
      const isGood = 'body' in reply;
      response.writeHead(isGood ? 200 : reply.status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(isGood ? reply.body : { code: 9, message: reply.message, error: reply.message }));
    });
  };
  const tls = {
    ca: fileOf(files, 'etcd/ca.crt'),
    cert: fileOf(files, 'etcd/server.crt'),
    key: fileOf(files, 'etcd/server.key'),
    requestCert: true,
    rejectUnauthorized: true,
  };
  const server: Server = where.plain === true ? createPlain(listener) : createServer(tls, listener);
  server.listen(0, where.address ?? '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the gateway has no port');
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return {
    endpoint: `${where.plain === true ? 'http' : 'https'}://${host}:${address.port}`,
    port: address.port,
    asked,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Connections of this machine. */
export function dial(address: string, port: number): Promise<Duplex> {
  const socket = connect(port, address);
  return new Promise((resolve, reject) => {
    socket.once('connect', () => resolve(socket));
    socket.once('error', reject);
  });
}
