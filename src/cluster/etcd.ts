// etcd as a client: members and their health over etcd's JSON gateway on its client port, through the host's connection.
import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { readBody } from '../util/bounded-body.ts';
import { isJsonObject, parseJson } from '../util/json.ts';
import { openTls } from '../util/tls.ts';
import type { EtcdApi, EtcdCredentials, EtcdMember, EtcdStatus } from './types.ts';
import { Said } from '../util/said.ts';
import { etcdIdShape, etcdNameShape, etcdUrlShape } from '../util/shapes.ts';

const defaultCallSeconds = 5;
/** A list of members has a few thousand. */
const mostBodyBytes = 2 ** 20;

export interface EtcdOptions {
  /** Seconds for one call to one endpoint, its connection included; default 5. */
  readonly callSeconds?: number;
  /** Resolves when the host can be talked through: a call's time begins then. */
  readonly ready?: () => Promise<void>;
}

/** Opens a stream from the host to an address. */
type Dial = (address: string, port: number) => Promise<Duplex>;

type Answer = Readonly<Record<string, unknown>>;

/**
 * A client of the etcd cluster behind these endpoints. Each call goes to the first endpoint that can serve it; the
 * gateway's paths are the same in etcd 3.5 and 3.6 (measured).
 */
export function openEtcd(
  dial: Dial,
  credentials: EtcdCredentials,
  { callSeconds = defaultCallSeconds, ready }: EtcdOptions = {},
): EtcdApi {
  const callOne = async (endpoint: string, path: string, body: Answer, seconds = callSeconds): Promise<Answer> => {
    await ready?.();
    return callWithin(seconds, dial, credentials, { endpoint, path, body });
  };
  const call = (path: string, body: Answer): Promise<Answer> =>
    firstOf(credentials.endpoints, (endpoint) => callOne(endpoint, path, body));
  const members = async (): Promise<readonly EtcdMember[]> => readMembers(await call('/v3/cluster/member/list', {}));
  /** The list the quorum agrees on: a follower's own may not yet have what has just been decided. */
  const agreedMembers = async (): Promise<readonly EtcdMember[]> =>
    readMembers(await call('/v3/cluster/member/list', { linearizable: true }));
  return {
    members,
    async addLearner(peerUrl) {
      try {
        const answer = await call('/v3/cluster/member/add', { peerURLs: [peerUrl], isLearner: true });
        return readMember(asRecord(answer['member']));
      } catch (error) {
        // An earlier run, or an answer that was lost on its way, has added it.
        const known = (await orThrow(agreedMembers, error)).find(({ peerUrls }) => peerUrls.includes(peerUrl));
        if (known === undefined) throw error;
        return known;
      }
    },
    async promote(id) {
      try {
        await call('/v3/cluster/member/promote', { ID: id });
      } catch (error) {
        // The answer to an earlier try may have been lost: a member that votes already is what was asked for.
        const all = await orThrow(agreedMembers, error);
        if (!all.some((member) => member.id === id && !member.isLearner)) throw error;
      }
    },
    async remove(id) {
      try {
        await call('/v3/cluster/member/remove', { ID: id });
      } catch (error) {
        // So may the answer to a removal; a member that is not there is what was asked for.
        const all = await orThrow(agreedMembers, error);
        if (all.some((member) => member.id === id)) throw error;
      }
    },
    async status(endpoint, seconds) {
      return readStatus(await callOne(endpoint, '/v3/maintenance/status', {}, seconds));
    },
  };
}

/** Ask after a failure; when that fails too, the first failure is the one to tell. */
async function orThrow<T>(ask: () => Promise<T>, first: unknown): Promise<T> {
  try {
    return await ask();
  } catch {
    throw first;
  }
}

/** etcd answered, and said no: another endpoint would say the same. */
class EtcdRefusal extends Error {}

async function firstOf(endpoints: readonly string[], ask: (endpoint: string) => Promise<Answer>): Promise<Answer> {
  const failures: string[] = [];
  for (const endpoint of endpoints) {
    try {
      return await ask(endpoint);
    } catch (error) {
      if (error instanceof EtcdRefusal) throw error;
      failures.push(`${endpoint}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new Error(failures.join('; '));
}

interface Call {
  readonly endpoint: string;
  readonly path: string;
  readonly body: Answer;
}

/** One call to one endpoint, ended when its time is over wherever it hangs: packets to a dead host just vanish. */
async function callWithin(seconds: number, dial: Dial, credentials: EtcdCredentials, call: Call): Promise<Answer> {
  const url = new URL(call.endpoint);
  // Node keeps the brackets of an IPv6 literal.
  const address = url.hostname.replace(/^\[(.*)\]$/u, '$1');
  const opening = dial(address, Number(url.port === '' ? 2379 : url.port));
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${seconds} s`)), seconds * 1000);
  });
  try {
    const stream = await Promise.race([opening, late]);
    const channel = url.protocol === 'http:' ? stream : openTls(stream, { ...credentials, name: address });
    return await Promise.race([post(channel, call), late]);
  } finally {
    clearTimeout(timer);
    // A connection that opens after its time is closed as well.
    opening.then(
      (stream) => stream.destroy(),
      () => undefined,
    );
  }
}

function post(channel: Duplex, call: Call): Promise<Answer> {
  const sent = JSON.stringify(call.body);
  return new Promise((resolve, reject) => {
    const read = (incoming: IncomingMessage): void => {
      readBody(incoming, mostBodyBytes)
        .then((body) => judge(incoming.statusCode ?? 0, body))
        .then(resolve, reject);
    };
    const outgoing: ClientRequest = request(
      {
        // Without an agent: one would open a connection of its own.
        createConnection: () => channel,
        method: 'POST',
        path: call.path,
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(sent) },
      },
      read,
    );
    channel.on('error', reject);
    // More than one can come, also after the call was given up.
    outgoing.on('error', reject);
    outgoing.end(sent);
  });
}

/** @throws EtcdRefusal for a no; Error for an endpoint that cannot say now, as one without a leader */
function judge(status: number, answer: string): Answer {
  if (status === 200) {
    const body = parseJson(answer, isJsonObject);
    if (body === undefined) throw new Error(`etcd answered no JSON object: ${answer.slice(0, 200)}`);
    return body;
  }
  const words = `etcd answered ${status}: ${refusal(answer)}`;
  // The gateway's codes for Unavailable and DeadlineExceeded; a learner answers most questions so.
  throw status === 503 || status === 504 ? new Error(words) : new EtcdRefusal(words);
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

/** Names and URLs go into the configuration of the next member. @throws KbError KB_HOST_FACT */
function readMember(member: Answer): EtcdMember {
  const said = new Said();
  const read = {
    id: said.value('id of an etcd member', text(member['ID']), etcdIdShape),
    // A member that has not started yet has none.
    name: said.optional('name of an etcd member', text(member['name']), etcdNameShape),
    peerUrls: said.all('peer URL of an etcd member', texts(member['peerURLs']), etcdUrlShape),
    clientUrls: said.all('client URL of an etcd member', texts(member['clientURLs']), etcdUrlShape),
    isLearner: member['isLearner'] === true,
  };
  said.end();
  return read;
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
