// A kubeconfig that was read on a host, made fit for the operator's machine: written again from its checked parts, so that
// nothing else of it (a program to execute, a proxy, a path) gets there.
import { isSamePair, readPrivateKey } from '../certs/keys.ts';
import { readCertificates } from '../certs/x509.ts';
import { KbError } from '../errors.ts';
import { isLoopback, parseIp } from '../util/net.ts';
import { renderKubeconfig, type Credentials, type CurrentContext } from './kubeconfig.ts';

export interface FetchedFrom {
  readonly host: string;
  readonly path: string;
  readonly credentials: Credentials;
  readonly names: Pick<CurrentContext, 'clusterName' | 'userName'>;
  /** Another URL of the API server than the file's. */
  readonly server?: string;
}

export interface Fetched {
  readonly text: string;
  readonly server: string;
  readonly ca: string;
  /** The name that the server's certificate has to have. */
  readonly serverName: string;
}

/** `https://host[:port]` and nothing more; undefined where a text is anything else. */
export function readServerUrl(text: string): URL | undefined {
  const isPlain = /^https:\/\/(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?\/?$/.test(text);
  return isPlain && URL.canParse(text) ? new URL(text) : undefined;
}

/** Without the brackets of IPv6. */
export function hostOfUrl({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}

/** The file for here. @throws KbError KB_KUBECONFIG_INVALID */
export function fetchedKubeconfig({ host, path, credentials, names, server }: FetchedFrom): Fetched {
  const refuse = (found: string): KbError =>
    new KbError({
      code: 'KB_KUBECONFIG_INVALID',
      summary: 'a kubeconfig cannot be used',
      host,
      detail: `${path} cannot be used: ${found}`,
      fix: 'check the file on the host; `kbinit init phase kubeconfig admin` writes a new one where it was moved away',
    });
  const own = readServerUrl(credentials.server);
  if (own === undefined) throw refuse(`its server ${JSON.stringify(credentials.server)} is not https://HOST:PORT`);
  const { clientCert = '', clientKey = '' } = credentials;
  const cas = readCertificates(credentials.ca);
  const chain = readCertificates(clientCert);
  const key = readPrivateKey(clientKey, 'tls');
  if (cas.length === 0) throw refuse('its certificate-authority-data holds no certificate');
  if (chain[0] === undefined) throw refuse('its user has no client certificate');
  if (key === undefined || !isSamePair(key, chain[0].publicKey)) {
    throw refuse('its client key is not the key of the client certificate');
  }
  const { clusterName, userName: user } = names;
  for (const name of [clusterName, user]) {
    if (!/^[A-Za-z0-9][\w.:@/-]{0,252}$/.test(name)) throw refuse(`${JSON.stringify(name)} is not a name`);
  }
  const url = (server === undefined ? undefined : readServerUrl(server)) ?? own;
  // The end of a tunnel is in no certificate of the cluster.
  const isTunnel = url !== own && isHere(hostOfUrl(url));
  const serverName = hostOfUrl(isTunnel ? own : url);
  const pem = (all: readonly { readonly pem: string }[]): string => all.map((one) => `${one.pem.trimEnd()}\n`).join('');
  const ca = pem(cas);
  const config = {
    clusterName,
    server: url.href.replace(/\/$/, ''),
    ca,
    user,
    identity: {
      kind: 'certificate' as const,
      certificate: pem(chain),
      key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    },
    ...(isTunnel ? { tlsServerName: serverName } : {}),
  };
  return { text: renderKubeconfig(config), server: config.server, ca, serverName };
}

function isHere(host: string): boolean {
  const ip = parseIp(host);
  return ip === undefined ? host === 'localhost' : isLoopback(ip);
}
