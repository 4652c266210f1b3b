// The API client: HTTPS over a byte stream that the host opens, so this machine needs no route to the API server.
import { Agent as HttpAgent, request as requestPlain, type ClientRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as requestTls, type RequestOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { KbError } from '../errors.ts';
import type { Reporter } from '../report/events.ts';
import { BodyTooLong, readBody } from '../util/bounded-body.ts';
import { isJsonArray, isJsonObject, parseJson } from '../util/json.ts';
import { tlsRefusal } from '../util/tls-error.ts';
import { openTls } from '../util/tls.ts';
import { TimedOut, until, type Attempt } from '../util/until.ts';
import { isContained } from './compare.ts';
import { collectionPath, objectName, objectPath, refOf } from './resources.ts';
import type { Api, ApiAnswer, ApiCredentials, ApplyOutcome, KubeObject, ObjectRef } from './types.ts';

export interface ClientOptions extends ApiCredentials {
  readonly dial: (address: string, port: number) => Promise<Duplex>;
  /** The host the stream starts from, for messages. */
  readonly host: string;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
  /** How long a call is tried again (kubeadm's timeouts.kubernetesAPICall). */
  readonly callSeconds: number;
}

/** One request ends within this time (kubeadm: 10 s a request). */
const requestSeconds = 10;

/** Of an answer that is not understood. */
const shownCharacters = 300;

/** The largest answers are lists of a cluster's Pods. */
const mostBodyBytes = 32 * 2 ** 20;
/** From a server that nothing is known of yet: discovery, and the kubelet's health. */
const mostUnverifiedBytes = 2 ** 20;

/** Sockets kept open at once: enough for a phase's objects side by side, few enough for sshd. */
const socketCount = 4;

/** Answers that another try may change. 403 is one while RBAC rules that were just made take effect. */
function isWorthRetrying(status: number): boolean {
  return status === 429 || status >= 500;
}

/** Open a client. It connects at the first request. */
export function openApi(options: ClientOptions): Api {
  const url = new URL(options.server);
  const port = Number(url.port === '' ? (url.protocol === 'http:' ? 80 : 443) : url.port);
  // Node keeps the brackets of an IPv6 literal.
  const address = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const agent =
    url.protocol === 'http:' ? new PlainAgent(options, address, port) : new TlsAgent(options, address, port);

  const send = (method: string, path: string, body?: unknown, type = 'application/json', seconds = requestSeconds) =>
    sendRequest({ agent, options, method, path, body, type, seconds });

  /** Try again while the server cannot be reached or says to. */
  const retried = async (what: string, attempt: () => Promise<Attempt<ApiAnswer>>): Promise<ApiAnswer> => {
    try {
      return await until(
        what,
        {
          timeoutSeconds: options.callSeconds,
          intervalMs: 250,
          signal: options.signal,
          refusal: (error) => tlsRefusal(options.server, options.host, error),
        },
        attempt,
      );
    } catch (error) {
      if (!(error instanceof TimedOut)) throw error;
      throw new KbError({
        code: 'KB_API_UNREACHABLE',
        summary: `the API server did not do this: ${what}`,
        host: options.host,
        detail: `${options.server}, asked from ${options.host} for ${error.seconds} s; last answer: ${error.last}`,
        fix: 'check the kube-apiserver container on its host (crictl ps -a), then run the same command again',
      });
    }
  };

  const call = (what: string, method: string, path: string, body?: unknown, type?: string): Promise<ApiAnswer> =>
    retried(what, async () => {
      const answer = await send(method, path, body, type);
      return isWorthRetrying(answer.status) ? { notYet: statusText(answer) } : { value: answer };
    });

  const get = async (ref: ObjectRef): Promise<KubeObject | undefined> => {
    const answer = await call(`read ${objectName(ref)}`, 'GET', objectPath(ref));
    return answer.status === 404 ? undefined : parseObject(answer, `read ${objectName(ref)}`, options);
  };

  const apply = async (object: KubeObject): Promise<{ outcome: ApplyOutcome; object: KubeObject }> => {
    const ref = refOf(object);
    const what = `write ${objectName(ref)}`;
    let outcome: ApplyOutcome = 'created';
    const answer = await retried(what, async () => {
      const created = await send('POST', collectionPath(ref), object);
      // A Service whose clusterIP is taken by itself is "invalid", not "exists" (kubeadm's rule for kube-dns).
      if (created.status !== 409 && !(created.status === 422 && object.kind === 'Service')) {
        return isWorthRetrying(created.status) ? { notYet: statusText(created) } : { value: created };
      }
      const found = await send('GET', objectPath(ref));
      if (found.status !== 200) return { notYet: statusText(found) };
      const existing = parseObject(found, what, options);
      outcome = isContained(object, existing) ? 'unchanged' : 'updated';
      if (outcome === 'unchanged') return { value: found };
      const replaced = await send('PUT', objectPath(ref), {
        ...object,
        metadata: { ...object.metadata, resourceVersion: existing.metadata.resourceVersion },
      });
      // Somebody else changed it in between: read it again.
      if (replaced.status === 409 || isWorthRetrying(replaced.status)) return { notYet: statusText(replaced) };
      return { value: replaced };
    });
    const result = parseObject(answer, what, options);
    options.reporter.emit({ kind: 'object', host: options.host, object: objectName(ref), outcome });
    return { outcome, object: result };
  };

  return {
    server: options.server,
    get,
    async list(kind, selector = {}) {
      const query = new URLSearchParams();
      if (selector.labels !== undefined) query.set('labelSelector', selector.labels);
      if (selector.fields !== undefined) query.set('fieldSelector', selector.fields);
      const what = `list ${kind.kind} objects`;
      const answer = await call(what, 'GET', `${collectionPath(kind)}?${query.toString()}`);
      const { items } = parseBody(answer, what, options);
      // Go's empty list.
      if (items === undefined || items === null) return [];
      if (!isJsonArray(items) || !items.every(hasMetadata)) throw strange(answer, what, options);
      return items.map((item) => ({ ...item, apiVersion: kind.apiVersion, kind: kind.kind }));
    },
    raw: (path, timeoutSeconds) => send('GET', path, undefined, undefined, timeoutSeconds),
    apply,
    async create(object) {
      const ref = refOf(object);
      const what = `create ${objectName(ref)}`;
      const answer = await call(what, 'POST', collectionPath(ref), object);
      return answer.status === 409 ? undefined : parseObject(answer, what, options);
    },
    async replace(object) {
      const ref = refOf(object);
      const what = `replace ${objectName(ref)}`;
      const answer = await call(what, 'PUT', objectPath(ref), object);
      return [404, 409].includes(answer.status) ? undefined : parseObject(answer, what, options);
    },
    async patch(ref, patch) {
      const what = `change ${objectName(ref)}`;
      const answer = await call(what, 'PATCH', objectPath(ref), patch, 'application/strategic-merge-patch+json');
      options.reporter.emit({ kind: 'object', host: options.host, object: objectName(ref), outcome: 'updated' });
      return parseObject(answer, what, options);
    },
    async evict({ namespace, name, uid }) {
      const ref = { apiVersion: 'v1', kind: 'Pod', namespace, name };
      const what = `evict ${objectName(ref)}`;
      const eviction = {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { namespace, name },
        deleteOptions: { preconditions: { uid } },
      };
      const answer = await retried(what, async () => {
        const said = await send('POST', `${objectPath(ref)}/eviction`, eviction);
        // 500 is a Pod with two budgets: an answer, and the same the next time.
        return said.status > 500 ? { notYet: statusText(said) } : { value: said };
      });
      // 409: the Pod of this name is another one by now.
      if ([404, 409].includes(answer.status)) return { kind: 'gone' };
      if ([429, 500].includes(answer.status)) return { kind: 'refused', reason: refusalText(answer) };
      parseBody(answer, what, options);
      options.reporter.emit({ kind: 'object', host: options.host, object: objectName(ref), outcome: 'deleted' });
      return { kind: 'accepted' };
    },
    async remove(ref, { graceSeconds, uid } = {}) {
      const what = `remove ${objectName(ref)}`;
      const how = {
        ...(graceSeconds === undefined ? {} : { gracePeriodSeconds: graceSeconds }),
        ...(uid === undefined ? {} : { preconditions: { uid } }),
      };
      const body = Object.keys(how).length === 0 ? undefined : { apiVersion: 'v1', kind: 'DeleteOptions', ...how };
      const answer = await call(what, 'DELETE', objectPath(ref), body);
      if (answer.status === 404 || (uid !== undefined && answer.status === 409)) return false;
      parseBody(answer, what, options);
      options.reporter.emit({ kind: 'object', host: options.host, object: objectName(ref), outcome: 'deleted' });
      return true;
    },
    close: () => agent.destroy(),
  };
}

/** Plain HTTP over a stream that the host dials: the kubelet's health endpoint is one. */
class PlainAgent extends HttpAgent {
  readonly #dial: () => Promise<Duplex>;

  constructor(options: ClientOptions, address: string, port: number) {
    // Kept sockets get socket options that a stream through SSH does not have.
    super({ keepAlive: false, maxSockets: 1 });
    this.#dial = () => options.dial(address, port);
  }

  override createConnection(
    _options: RequestOptions,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    this.#dial().then(
      (stream) => callback?.(null, stream),
      (error: unknown) => callback && Reflect.apply(callback, undefined, [error]),
    );
    return undefined;
  }
}

/** TLS over a stream that the host dials; Node's own agent keeps and shares the sockets. */
class TlsAgent extends HttpsAgent {
  readonly #open: (callback: (error: Error | null, socket?: TLSSocket) => void) => void;

  constructor(options: ClientOptions, address: string, port: number) {
    super({ keepAlive: true, maxSockets: socketCount, scheduling: 'lifo' });
    this.#open = (callback) => {
      const secure = (stream: Duplex): void => {
        const { ca, clientCert, clientKey } = options;
        // The API server's certificate has this name whatever address it is reached by.
        const peer = { name: 'kubernetes', ca, cert: clientCert, key: clientKey, isUnverified: ca === undefined };
        const socket = openTls(stream, peer);
        const failed = (error: Error): void => callback(error);
        socket.on('error', failed);
        socket.once('secureConnect', () => {
          socket.off('error', failed);
          callback(null, socket);
        });
      };
      // A certificate or key of the client that cannot be read throws.
      options.dial(address, port).then(secure).catch(callback);
    };
  }

  override createConnection(
    _options: RequestOptions,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    this.#open((error, socket) => {
      // Node's types want a stream beside an error too; there is none.
      if (callback !== undefined) Reflect.apply(callback, undefined, [error, socket]);
    });
    return undefined;
  }
}

interface Sending {
  readonly agent: PlainAgent | TlsAgent;
  readonly options: ClientOptions;
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
  readonly type: string;
  readonly seconds: number;
}

function sendRequest(sending: Sending): Promise<ApiAnswer> {
  const { options, method, path } = sending;
  const start = performance.now();
  const text = sending.body === undefined ? undefined : JSON.stringify(sending.body);
  const headers = {
    accept: 'application/json',
    ...(text === undefined ? {} : { 'content-type': sending.type, 'content-length': Buffer.byteLength(text) }),
    ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
  };
  return new Promise<ApiAnswer>((resolve, reject) => {
    const target = new URL(path, options.server);
    const fail = (error: unknown): void => {
      reject(error instanceof BodyTooLong ? tooLong(options, `${method} ${path}`, error) : error);
    };
    const read = (incoming: IncomingMessage): void => {
      const mostBytes = options.ca === undefined ? mostUnverifiedBytes : mostBodyBytes;
      const finish = (body: string): void => {
        const status = incoming.statusCode ?? 0;
        const seconds = (performance.now() - start) / 1000;
        options.reporter.emit({ kind: 'request', host: options.host, method, path, status, seconds });
        resolve({ status, body });
      };
      readBody(incoming, mostBytes).then(finish, fail);
    };
    const common = {
      method,
      headers,
      hostname: target.hostname,
      port: target.port,
      path: `${target.pathname}${target.search}`,
    };
    const outgoing: ClientRequest =
      sending.agent instanceof TlsAgent
        ? requestTls({ ...common, agent: sending.agent }, read)
        : requestPlain({ ...common, agent: sending.agent }, read);
    // A request that is destroyed while its connection is being opened says so only when it is open, which may be never.
    const giveUp = (reason: Error): void => {
      settle();
      outgoing.destroy(reason);
      reject(reason);
    };
    const late = (): void => giveUp(new Error(`no answer to ${method} ${path} within ${sending.seconds} s`));
    const stop = (): void => giveUp(new DOMException('the run was interrupted', 'AbortError'));
    // Not the socket's own time-out: a stream through SSH has none.
    const timer = setTimeout(late, sending.seconds * 1000);
    const settle = (): void => {
      clearTimeout(timer);
      options.signal.removeEventListener('abort', stop);
    };
    options.signal.addEventListener('abort', stop, { once: true });
    outgoing.once('close', settle);
    // More than one can come: the request was given up, and then its connection failed too.
    outgoing.on('error', fail);
    outgoing.end(text);
    if (options.signal.aborted) stop();
  });
}

/** The server's own words for a failure, or its status. */
function statusText(answer: ApiAnswer): string {
  try {
    const body: unknown = JSON.parse(answer.body);
    if (isJsonObject(body) && typeof body['message'] === 'string') {
      return `${answer.status} ${beginning(body['message'])}`;
    }
  } catch {
    // Not JSON: /livez and proxies answer in plain text.
  }
  return `${answer.status} ${beginning(answer.body)}`.trim();
}

/** Enough of an answer to know it by. */
function beginning(text: string): string {
  return text.length <= shownCharacters ? text : `${text.slice(0, shownCharacters)}…`;
}

function tooLong({ host, server }: ClientOptions, request: string, error: BodyTooLong): KbError {
  return new KbError({
    code: 'KB_ANSWER_TOO_LONG',
    summary: 'the answer of the API server is too long',
    host,
    detail: `${server}, ${request}: ${error.message}`,
    fix: 'check that the address is that of the API server, and what it stores so many of (`kubectl get --raw /metrics`)',
  });
}

/** Why an eviction is refused: which budget, and what it has. */
function refusalText(answer: ApiAnswer): string {
  const status = parseJson(answer.body, isJsonObject);
  const details = status?.['details'];
  const causes = isJsonObject(details) && isJsonArray(details['causes']) ? details['causes'] : [];
  const messages = causes.flatMap((cause) =>
    isJsonObject(cause) && typeof cause['message'] === 'string' ? [cause['message']] : [],
  );
  return messages.length === 0 ? statusText(answer) : messages.join(' ');
}

function parseBody(answer: ApiAnswer, what: string, options: ClientOptions): Readonly<Record<string, unknown>> {
  if (answer.status >= 300) {
    throw new KbError({
      code: answer.status === 401 || answer.status === 403 ? 'KB_API_FORBIDDEN' : 'KB_API_REFUSED',
      summary: `the API server refused to ${what}`,
      host: options.host,
      detail: `${options.server} answered ${statusText(answer)}`,
      fix:
        answer.status === 401 || answer.status === 403
          ? 'check that the kubeconfig belongs to this cluster and has not expired'
          : 'read the answer above; if the object is right, check the kube-apiserver log on its host',
    });
  }
  const body = parseJson(answer.body, isJsonObject);
  if (body === undefined) throw strange(answer, what, options);
  return body;
}

/** Something else answers in the place of an API server. */
function strange(answer: ApiAnswer, what: string, { host, server }: ClientOptions): KbError {
  return new KbError({
    code: 'KB_API_ANSWER',
    summary: `the answer is not that of an API server: ${what}`,
    host,
    detail: `${server} answered ${answer.status} with ${answer.body === '' ? 'nothing' : beginning(answer.body)}`,
    fix: 'check that the address of the control plane leads to its API server, and that no proxy answers in its place',
  });
}

function parseObject(answer: ApiAnswer, what: string, options: ClientOptions): KubeObject {
  const body = parseBody(answer, what, options);
  if (!isKubeObject(body)) throw strange(answer, what, options);
  return body;
}

/** With metadata of the types that everybody who reads it counts on. */
function hasMetadata(value: unknown): value is Pick<KubeObject, 'metadata'> {
  const metadata = isJsonObject(value) ? value['metadata'] : undefined;
  if (!isJsonObject(metadata) || typeof metadata['name'] !== 'string') return false;
  const isText = (field: unknown): boolean => field === undefined || typeof field === 'string';
  const isTexts = (field: unknown): boolean =>
    field === undefined || field === null || (isJsonObject(field) && Object.values(field).every(isText));
  return (
    [metadata['namespace'], metadata['uid'], metadata['resourceVersion']].every(isText) &&
    [metadata['labels'], metadata['annotations']].every(isTexts)
  );
}

function isKubeObject(value: unknown): value is KubeObject {
  return isJsonObject(value) && typeof value['kind'] === 'string' && hasMetadata(value);
}
