// Asks external etcd members for their version, through the host that will use them (spec 03 §5).
import { request } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ExternalEtcd } from '../config/spec.ts';
import type { HostView } from '../host/host.ts';
import { readBody } from '../util/bounded-body.ts';
import { openTls, type TlsPeer } from '../util/tls.ts';

/** A version is a line. */
const mostBodyBytes = 64 * 1024;

/** What one endpoint said, or why it could not be asked. */
export type EtcdAnswer =
  { readonly endpoint: string; readonly version: string } | { readonly endpoint: string; readonly failure: string };

/** How long and how often to ask; kubeadm's numbers by default. */
export interface EtcdProbe {
  readonly attempts?: number;
  readonly pauseMilliseconds?: number;
  readonly timeoutMilliseconds?: number;
}

type Credentials = Omit<TlsPeer, 'name'>;

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Ask every endpoint's /version; failures are answers, not errors. */
export async function probeExternalEtcd(
  host: Pick<HostView, 'readAll' | 'dial'>,
  etcd: ExternalEtcd,
  probe: EtcdProbe = {},
): Promise<readonly EtcdAnswer[]> {
  const endpoints = etcd.httpEndpoints.length > 0 ? etcd.httpEndpoints : etcd.endpoints;
  const tls = await clientTls(host, etcd);
  return Promise.all(endpoints.map((endpoint) => ask(host, endpoint, tls, probe)));
}

/** A file that is missing is ExternalEtcdClientCertificates' finding; the handshake then fails with its own words. */
async function clientTls(host: Pick<HostView, 'readAll'>, etcd: ExternalEtcd): Promise<Credentials> {
  const wanted = [etcd.caFile, etcd.certFile, etcd.keyFile].filter((path) => path !== '');
  const files = wanted.length === 0 ? new Map<string, string>() : await host.readAll(wanted);
  const [ca, cert, key] = [etcd.caFile, etcd.certFile, etcd.keyFile].map((path) => files.get(path));
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
  };
}

async function ask(
  host: Pick<HostView, 'dial'>,
  endpoint: string,
  tls: Credentials,
  probe: EtcdProbe,
): Promise<EtcdAnswer> {
  const attempts = probe.attempts ?? 4;
  let failure = '';
  for (let attempt = 1; attempt <= attempts; attempt++) {
    if (attempt > 1) await pause(probe.pauseMilliseconds ?? 5000);
    try {
      const answer = await getVersion(host, new URL(endpoint), tls, probe.timeoutMilliseconds ?? 10_000);
      if (answer.status < 400) return readAnswer(endpoint, answer);
      failure = `HTTP status ${answer.status}`;
      if (answer.status < 500) break;
    } catch (cause) {
      failure = cause instanceof Error ? cause.message : String(cause);
    }
  }
  return { endpoint, failure };
}

function readAnswer(endpoint: string, answer: Answer): EtcdAnswer {
  const version = /"etcdserver"\s*:\s*"([^"]*)"/.exec(answer.body)?.[1];
  return version === undefined
    ? { endpoint, failure: 'the answer names no etcdserver version' }
    : { endpoint, version };
}

async function getVersion(host: Pick<HostView, 'dial'>, url: URL, tls: Credentials, timeout: number): Promise<Answer> {
  const name = url.hostname.replace(/^\[|\]$/g, '');
  const isTls = url.protocol === 'https:';
  const socket = await host.dial(name, Number(url.port || (isTls ? 443 : 80)));
  const stream = isTls ? openTls(socket, { ...tls, name }) : socket;
  try {
    return await get(stream, url, timeout);
  } finally {
    stream.destroy();
    socket.destroy();
  }
}

function get(stream: Duplex, url: URL, timeout: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const giveUp = setTimeout(() => reject(new Error(`no answer within ${timeout / 1000} s`)), timeout);
    const fail = (cause: Error): void => {
      clearTimeout(giveUp);
      reject(cause);
    };
    const path = `${url.pathname}/version`.replace(/\/{2,}/g, '/');
    const sent = request({ createConnection: () => stream, host: url.hostname, path }, (answer) => {
      readBody(answer, mostBodyBytes).then((body) => {
        clearTimeout(giveUp);
        resolve({ status: answer.statusCode ?? 0, body });
      }, fail);
    });
    stream.on('error', fail);
    sent.on('error', fail);
    sent.end();
  });
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, milliseconds));
}
