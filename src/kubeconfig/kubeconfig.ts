// Kubeconfig files: typed in, YAML out with kubeadm's keys, and read back as far as kbinit needs them.
import { KbError } from '../errors.ts';
import { writesNullTimestamps } from '../kube/traits.ts';
import type { KubeVersion } from '../kube/version.ts';
import { fromBase64, toBase64 } from '../util/text.ts';
import { readYaml, withoutText, writeYaml } from '../util/yaml.ts';

/** Who a client is; everything PEM. */
type Identity =
  | { readonly kind: 'certificate'; readonly certificate: string; readonly key: string }
  | { readonly kind: 'token'; readonly token: string };

export interface Kubeconfig {
  readonly clusterName: string;
  readonly server: string;
  /** Where the server is reached at another name than its certificate has: one that it has. */
  readonly tlsServerName?: string;
  /** PEM. */
  readonly ca: string;
  readonly user: string;
  readonly identity: Identity;
}

/** What an API client takes from a kubeconfig; PEM and text. */
export interface Credentials {
  readonly server: string;
  readonly ca: string;
  readonly clientCert?: string;
  readonly clientKey?: string;
  readonly token?: string;
}

/** The current context of a kubeconfig that was read; files are named, not read. */
export interface CurrentContext {
  readonly clusterName: string;
  readonly userName: string;
  readonly server: string;
  readonly ca: Source | undefined;
  readonly clientCertificate: Source | undefined;
  readonly clientKey: Source | undefined;
  readonly token: string | undefined;
}

/** Text in the file itself, or the path of another. Data wins over a path, as in client-go. */
export type Source =
  { readonly kind: 'data'; readonly text: string } | { readonly kind: 'file'; readonly path: string };

type Fields = Readonly<Record<string, unknown>>;

/** The YAML of a kubeconfig. Until 1.33 Go wrote `preferences: {}` into every one. */
export function renderKubeconfig(config: Kubeconfig, version?: KubeVersion): string {
  const context = `${config.user}@${config.clusterName}`;
  return writeYaml({
    apiVersion: 'v1',
    kind: 'Config',
    ...preferences(version),
    clusters: [{ name: config.clusterName, cluster: clusterFields(config) }],
    contexts: [{ name: context, context: { cluster: config.clusterName, user: config.user } }],
    'current-context': context,
    users: [{ name: config.user, user: identityFields(config.identity) }],
  });
}

/**
 * bootstrap-kubelet.conf: good for one thing, to ask for a client certificate. With a token as a rule; a discovery file
 * may log in with a certificate instead.
 */
export function bootstrapKubeconfig(
  wanted: Credentials & { readonly clusterName?: string },
  version?: KubeVersion,
): string {
  const { server, ca, token = '', clientCert, clientKey, clusterName = 'kubernetes' } = wanted;
  const identity: Identity =
    clientCert === undefined || clientKey === undefined
      ? { kind: 'token', token }
      : { kind: 'certificate', certificate: clientCert, key: clientKey };
  return renderKubeconfig({ clusterName, server, ca, user: 'tls-bootstrap-token-user', identity }, version);
}

/** The text in the ConfigMap cluster-info. Signatures are made over these bytes. */
export function clusterInfoKubeconfig(cluster: Pick<Kubeconfig, 'server' | 'ca'>, version?: KubeVersion): string {
  return writeYaml({
    apiVersion: 'v1',
    kind: 'Config',
    ...preferences(version),
    clusters: [{ name: '', cluster: clusterFields(cluster) }],
    contexts: null,
    'current-context': '',
    users: null,
  });
}

/** kubelet.conf with the certificate that the kubelet rotates itself in place of the embedded one (spec 04 §2.4). */
export function rotatedKubeletKubeconfig(text: string, pemPath: string): string {
  const path = 'kubelet.conf';
  const document = readDocument(text, path);
  const { userName } = currentContext(document, path);
  const users = listOf(document['users']).map((entry) => {
    if (entry['name'] !== userName) return entry;
    const { 'client-certificate-data': _certificate, 'client-key-data': _key, ...rest } = fieldsOf(entry['user']);
    return { ...entry, user: { ...rest, 'client-certificate': pemPath, 'client-key': pemPath } };
  });
  return writeYaml({ ...document, users });
}

/**
 * A kubeconfig with another certificate for the user of its current context, and its cluster's CA brought up to date;
 * everything else stays. @throws KbError KB_KUBECONFIG_INVALID
 */
export function withClientCertificate(
  text: string,
  path: string,
  identity: { readonly ca: string; readonly certificate: string; readonly key: string },
): string {
  const document = readDocument(text, path);
  const { clusterName, userName } = currentContext(document, path);
  const { ca, certificate, key } = identity;
  return writeYaml({
    ...document,
    clusters: changed(document['clusters'], clusterName, 'cluster', { 'certificate-authority-data': toBase64(ca) }),
    users: changed(document['users'], userName, 'user', identityFields({ kind: 'certificate', certificate, key })),
  });
}

/** The list with some fields of one entry's body set. */
function changed(list: unknown, name: string, body: string, fields: Fields): readonly Fields[] {
  return listOf(list).map((entry) =>
    entry['name'] === name ? { ...entry, [body]: { ...fieldsOf(entry[body]), ...fields } } : entry,
  );
}

/** Read the current context. @throws KbError KB_KUBECONFIG_INVALID */
export function parseKubeconfig(text: string, path: string): CurrentContext {
  return currentContext(readDocument(text, path), path);
}

/**
 * Server and credentials of the current context for the API client. Client certificates that are only named by path
 * (a kubelet's own) are left out. @throws KbError KB_KUBECONFIG_INVALID
 */
export function clientOf(text: string, path: string): Credentials {
  const { server, ca, clientCertificate, clientKey, token } = parseKubeconfig(text, path);
  if (ca?.kind !== 'data') throw invalid(path, 'its cluster has no certificate-authority-data');
  return {
    server,
    ca: ca.text,
    ...(clientCertificate?.kind === 'data' ? { clientCert: clientCertificate.text } : {}),
    ...(clientKey?.kind === 'data' ? { clientKey: clientKey.text } : {}),
    ...(token === undefined ? {} : { token }),
  };
}

/** Server and CA of cluster-info: its nameless cluster, or the current context's. @throws KbError KB_KUBECONFIG_INVALID */
export function parseClusterInfo(text: string): { readonly server: string; readonly ca: string } {
  const path = 'the ConfigMap kube-public/cluster-info';
  const document = readDocument(text, path);
  const nameless = listOf(document['clusters']).find(({ name }) => name === '' || name === undefined);
  if (nameless === undefined) return clientOf(text, path);
  const cluster = fieldsOf(nameless['cluster']);
  const ca = sourceOf(cluster, 'certificate-authority');
  if (ca?.kind !== 'data') throw invalid(path, 'its cluster has no certificate-authority-data');
  return { server: textOf(cluster['server']) ?? '', ca: ca.text };
}

function preferences(version: KubeVersion | undefined): Fields {
  return version !== undefined && writesNullTimestamps(version) ? { preferences: {} } : {};
}

function clusterFields({ server, ca, tlsServerName }: Pick<Kubeconfig, 'server' | 'ca' | 'tlsServerName'>): Fields {
  const name = tlsServerName === undefined ? {} : { 'tls-server-name': tlsServerName };
  return { ...filled('certificate-authority-data', ca), server, ...name };
}

function identityFields(identity: Identity): Fields {
  if (identity.kind === 'token') return { token: identity.token };
  return {
    ...filled('client-certificate-data', identity.certificate),
    ...filled('client-key-data', identity.key),
  };
}

/** A kubeconfig that waits for its certificate (generate-csr) leaves such fields out. */
function filled(name: string, pem: string): Fields {
  return pem === '' ? {} : { [name]: toBase64(pem) };
}

function readDocument(text: string, path: string): Fields {
  if (text.trim() === '') throw invalid(path, 'it is empty');
  let document: unknown;
  try {
    document = readYaml(text);
  } catch (error) {
    throw invalid(path, `it is not YAML (${withoutText(error)})`);
  }
  if (!isFields(document)) throw invalid(path, 'it is not a mapping');
  return document;
}

function currentContext(document: Fields, path: string): CurrentContext {
  const name = textOf(document['current-context']) ?? '';
  const context = bodyOf(document['contexts'], name, 'context');
  if (context === undefined) throw invalid(path, `its current context '${name}' is not among its contexts`);
  const [clusterName, userName] = [textOf(context['cluster']) ?? '', textOf(context['user']) ?? ''];
  const cluster = bodyOf(document['clusters'], clusterName, 'cluster');
  const server = textOf(cluster?.['server']);
  if (cluster === undefined || server === undefined || server === '') {
    throw invalid(path, `its cluster '${clusterName}' has no server`);
  }
  const user = bodyOf(document['users'], userName, 'user') ?? {};
  return {
    clusterName,
    userName,
    server,
    ca: sourceOf(cluster, 'certificate-authority'),
    clientCertificate: sourceOf(user, 'client-certificate'),
    clientKey: sourceOf(user, 'client-key'),
    token: textOf(user['token']),
  };
}

/** The body of the list entry with this name: `clusters[name].cluster`; an entry without a name has the empty one. */
export function bodyOf(list: unknown, name: string, body: string): Fields | undefined {
  const entry = listOf(list).find((one) => (one['name'] ?? '') === name);
  return entry && fieldsOf(entry[body]);
}

/** Text or path of what has both forms: `client-key-data` and `client-key`. */
export function sourceOf(fields: Fields, name: string): Source | undefined {
  const data = textOf(fields[`${name}-data`]);
  if (data !== undefined && data !== '') return { kind: 'data', text: fromBase64(data).toString('utf8') };
  const path = textOf(fields[name]);
  return path === undefined || path === '' ? undefined : { kind: 'file', path };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : {};
}

function listOf(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.filter(isFields) : [];
}

function invalid(path: string, found: string): KbError {
  return new KbError({
    code: 'KB_KUBECONFIG_INVALID',
    summary: 'a kubeconfig cannot be used',
    detail: `${path} cannot be used: ${found}`,
    fix: `put a good kubeconfig there, or move ${path} away to let kbinit write a new one`,
  });
}
