// One GET over TLS that starts on the joining host and goes as a program of that host would: through its proxy, and
// trusting the CAs that the host trusts (docs/decisions/0007).
import { request, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { sh } from '../../host/shell.ts';
import { proxyFor } from '../../preflight/proxy.ts';
import { readBody } from '../../util/bounded-body.ts';
import { joinHostPort } from '../../util/net.ts';
import { openTls } from '../../util/tls.ts';
import type { RunContext } from '../context.ts';

export interface HttpsAnswer {
  readonly status: number;
  readonly body: string;
  /** Where a redirect leads. */
  readonly location: string | undefined;
}

type From = Pick<RunContext, 'host' | 'signal'>;

const answerSeconds = 15;
/** A kubeconfig has a few thousand. */
const mostBytes = 1 << 20;

/** Bundles by distribution, in the order in which Go looks for them (crypto/x509 root_linux.go). */
const bundles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/tls/cacert.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/**
 * Ask once; any status is an answer.
 * @throws Error of the connection, or of Node's verdict on the certificate (util/tls-error.ts)
 */
export async function httpsGet(
  from: From,
  url: URL,
  headers: Readonly<Record<string, string>> = {},
): Promise<HttpsAnswer> {
  const name = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port || 443);
  const [ca, stream] = await Promise.all([trusted(from), open(from, name, port)]);
  const secure = openTls(stream, { name, ca });
  try {
    const path = `${url.pathname}${url.search}`;
    return await exchange(from, secure, {
      method: 'GET',
      path,
      headers: { ...headers, ...login(url), host: url.host },
    });
  } finally {
    secure.destroy();
    stream.destroy();
  }
}

/** The host's bundle; with none, nobody is trusted. */
async function trusted({ host, signal }: From): Promise<string> {
  const command = sh`for file in ${bundles}; do if [ -s "$file" ]; then cat "$file"; exit; fi; done`;
  const { stdout } = await host.probe(command, { signal, idempotent: true, why: 'read the CAs that the host trusts' });
  return stdout;
}

/** Name and password in the URL, as every client sends them. */
function login(url: URL): Readonly<Record<string, string>> {
  if (url.username === '' && url.password === '') return {};
  const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

async function open(from: From, name: string, port: number): Promise<Duplex> {
  const { proxyEnvironment } = await from.host.facts();
  const proxy = proxyFor(name, port, proxyEnvironment);
  return proxy === undefined ? from.host.dial(name, port) : openThrough(from, new URL(proxy), joinHostPort(name, port));
}

async function openThrough(from: From, proxy: URL, target: string): Promise<Duplex> {
  if (proxy.protocol !== 'http:') throw new Error(`a proxy like ${proxy.protocol}//${proxy.host} is not supported`);
  const stream = await from.host.dial(proxy.hostname.replace(/^\[|\]$/g, ''), Number(proxy.port || 80));
  const { status } = await exchange(from, stream, { method: 'CONNECT', path: target, headers: { host: target } });
  if (status === 200) return stream;
  stream.destroy();
  throw new Error(`the proxy ${proxy.host} answered ${status} to CONNECT ${target}`);
}

interface Question {
  readonly method: 'GET' | 'CONNECT';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** One request and its answer on a stream of its own. */
function exchange({ signal }: From, stream: Duplex, question: Question): Promise<HttpsAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request({ ...question, createConnection: () => stream, signal });
    const late = new Error(`no answer within ${answerSeconds} s`);
    const timer = setTimeout(() => sent.destroy(late), answerSeconds * 1000);
    const fail = (error: Error): void => {
      clearTimeout(timer);
      reject(error);
    };
    const settle = ({ statusCode = 0, headers }: IncomingMessage, body: string): void => {
      clearTimeout(timer);
      resolve({ status: statusCode, body, location: headers.location });
    };
    stream.on('error', fail);
    sent.on('error', fail);
    sent.once('connect', (incoming) => settle(incoming, ''));
    sent.once('response', (incoming) => {
      readBody(incoming, mostBytes).then((body) => settle(incoming, body), fail);
    });
    sent.end();
  });
}
