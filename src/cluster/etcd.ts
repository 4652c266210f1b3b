// etcd as a client: members over etcd's JSON gateway on its client port, through the host's connection.
import { request } from 'node:https';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';

/** One member as etcd lists it. IDs are 64-bit numbers in decimal text, as the gateway prints them. */
export interface EtcdMember {
  readonly id: string;
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
  readonly isLearner: boolean;
}

export interface EtcdConnection {
  readonly dial: (address: string, port: number) => Promise<Duplex>;
  readonly address: string;
  readonly port: number;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** The gateway's paths are the same in etcd 3.5 and 3.6 (measured). */
async function post(
  connection: EtcdConnection,
  path: string,
  body: unknown,
): Promise<Readonly<Record<string, unknown>>> {
  const stream = await connection.dial(connection.address, connection.port);
  const socket = connectTls({
    socket: stream,
    servername: 'localhost',
    ca: connection.ca,
    cert: connection.cert,
    key: connection.key,
  });
  const sent = JSON.stringify(body);
  try {
    return await new Promise((resolve, reject) => {
      socket.on('error', reject);
      stream.once('close', () => socket.destroy());
      const outgoing = request(
        {
          // Without an agent: one would open a connection of its own.
          createConnection: () => socket,
          method: 'POST',
          path,
          headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(sent) },
        },
        (incoming) => {
          const chunks: Buffer[] = [];
          incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
          incoming.on('error', reject);
          incoming.once('end', () => {
            const answer = Buffer.concat(chunks).toString('utf8');
            if (incoming.statusCode === 200) {
              resolve(asRecord(JSON.parse(answer)));
            } else {
              reject(new Error(`etcd answered ${incoming.statusCode}: ${answer.slice(0, 200)}`));
            }
          });
        },
      );
      outgoing.setTimeout(5000, () => outgoing.destroy(new Error(`no answer to ${path} within 5 s`)));
      outgoing.on('error', reject);
      outgoing.end(sent);
    });
  } finally {
    socket.destroy();
  }
}

/** The members of the cluster. @throws Error when etcd cannot be reached or refuses */
export async function listMembers(connection: EtcdConnection): Promise<readonly EtcdMember[]> {
  const { members } = await post(connection, '/v3/cluster/member/list', {});
  return Array.isArray(members) ? members.map((member) => readMember(asRecord(member))) : [];
}

/** Take a member out of the cluster. */
export async function removeMember(connection: EtcdConnection, id: string): Promise<void> {
  await post(connection, '/v3/cluster/member/remove', { ID: id });
}

function readMember(member: Readonly<Record<string, unknown>>): EtcdMember {
  return {
    id: text(member['ID']),
    name: text(member['name']),
    peerUrls: texts(member['peerURLs']),
    clientUrls: texts(member['clientURLs']),
    isLearner: member['isLearner'] === true,
  };
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw new Error('etcd answered no object');
  return { ...value };
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(text) : [];
}
