// etcd as a client: members and their health over etcd's JSON gateway on its client port, through the host's connection.
import { request } from 'node:https';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import type { EtcdApi, EtcdCredentials, EtcdMember, EtcdStatus } from './types.ts';

/** Seconds for one call to one endpoint. */
const callSeconds = 5;

/** Opens a stream from the host to an address. */
type Dial = (address: string, port: number) => Promise<Duplex>;

type Answer = Readonly<Record<string, unknown>>;

/**
 * A client of the etcd cluster behind these endpoints. Each call goes to the first endpoint that can be reached; the
 * gateway's paths are the same in etcd 3.5 and 3.6 (measured).
 */
export function openEtcd(dial: Dial, credentials: EtcdCredentials): EtcdApi {
  const call = (path: string, body: Answer): Promise<Answer> => callAny(dial, credentials, path, body);
  const members = async (): Promise<readonly EtcdMember[]> => readMembers(await call('/v3/cluster/member/list', {}));
  return {
    members,
    async addLearner(peerUrl) {
      try {
        const answer = await call('/v3/cluster/member/add', { peerURLs: [peerUrl], isLearner: true });
        return readMember(asRecord(answer['member']));
      } catch (error) {
        // An earlier run, or an answer that was lost on its way, has added it.
        const known = (await members()).find(({ peerUrls }) => peerUrls.includes(peerUrl));
        if (known === undefined) throw error;
        return known;
      }
    },
    async promote(id) {
      try {
        await call('/v3/cluster/member/promote', { ID: id });
      } catch (error) {
        // The answer to an earlier try may have been lost: a member that votes already is what was asked for.
        const isVoting = (await members()).some((member) => member.id === id && !member.isLearner);
        if (!isVoting) throw error;
      }
    },
    async remove(id) {
      await call('/v3/cluster/member/remove', { ID: id });
    },
    async status(endpoint) {
      return readStatus(await callOne(dial, { ...credentials, endpoint }, '/v3/maintenance/status', {}));
    },
  };
}

/** etcd answered, and said no: another endpoint would say the same. */
class EtcdRefusal extends Error {}

async function callAny(dial: Dial, credentials: EtcdCredentials, path: string, body: Answer): Promise<Answer> {
  const failures: string[] = [];
  for (const endpoint of credentials.endpoints) {
    try {
      return await callOne(dial, { ...credentials, endpoint }, path, body);
    } catch (error) {
      if (error instanceof EtcdRefusal) throw error;
      failures.push(`${endpoint}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new Error(failures.join('; '));
}

async function callOne(
  dial: Dial,
  { endpoint, ca, cert, key }: EtcdCredentials & { readonly endpoint: string },
  path: string,
  body: Answer,
): Promise<Answer> {
  const url = new URL(endpoint);
  const address = url.hostname.replace(/^\[(.*)\]$/u, '$1');
  const stream = await dial(address, Number(url.port === '' ? 2379 : url.port));
  const name = isIP(address) === 0 ? { servername: address } : { host: address };
  const socket = connectTls({ socket: stream, ...name, ca, cert, key });
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
              reject(new EtcdRefusal(`etcd answered ${incoming.statusCode}: ${refusal(answer)}`));
            }
          });
        },
      );
      outgoing.setTimeout(callSeconds * 1000, () =>
        outgoing.destroy(new Error(`no answer to ${path} within ${callSeconds} s`)),
      );
      outgoing.on('error', reject);
      outgoing.end(sent);
    });
  } finally {
    socket.destroy();
  }
}

/** etcd's own words in a gateway's error. */
function refusal(answer: string): string {
  try {
    return text(asRecord(JSON.parse(answer))['message']) || answer.slice(0, 200);
  } catch {
    return answer.slice(0, 200);
  }
}

function readMembers({ members }: Answer): readonly EtcdMember[] {
  return Array.isArray(members) ? members.map((member) => readMember(asRecord(member))) : [];
}

function readMember(member: Answer): EtcdMember {
  return {
    id: text(member['ID']),
    name: text(member['name']),
    peerUrls: texts(member['peerURLs']),
    clientUrls: texts(member['clientURLs']),
    isLearner: member['isLearner'] === true,
  };
}

/** The gateway leaves out what is zero. */
function readStatus(answer: Answer): EtcdStatus {
  return {
    memberId: text(asRecord(answer['header'] ?? {})['member_id']) || '0',
    version: text(answer['version']),
    dbSizeBytes: Number(answer['dbSize'] ?? 0),
    leaderId: text(answer['leader']) || '0',
    isLearner: answer['isLearner'] === true,
    raftTerm: text(answer['raftTerm']) || '0',
    raftIndex: text(answer['raftIndex']) || '0',
    raftAppliedIndex: text(answer['raftAppliedIndex']) || '0',
    errors: texts(answer['errors']),
  };
}

function asRecord(value: unknown): Answer {
  if (typeof value !== 'object' || value === null) throw new Error('etcd answered no object');
  return { ...value };
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(text) : [];
}
