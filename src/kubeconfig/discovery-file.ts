// The kubeconfig that a node finds its cluster with: which parts of it count, and what it must not say (spec 06 §3.2).
import { KbError } from '../errors.ts';
import { isJsonObject, type JsonObject } from '../util/json.ts';
import { readYaml, withoutText } from '../util/yaml.ts';
import { bodyOf, sourceOf, type Source } from './kubeconfig.ts';

/** A discovery file that was read; the files it names are not. */
export interface DiscoveryFile {
  readonly server: string;
  /** undefined = the CAs that the host trusts. */
  readonly ca: Source | undefined;
  readonly clientCertificate: Source | undefined;
  readonly clientKey: Source | undefined;
  readonly token: Source | undefined;
  /** Ways to log in that the file has and kbinit cannot use. */
  readonly otherLogins: readonly string[];
}

/** Text of client-go's own, by other programs and of other times. */
const otherLogins = ['exec', 'auth-provider', 'username', 'password'];

/**
 * Read a discovery file: its nameless cluster, as cluster-info has it, or the current context's.
 * @param source where it is from, for messages
 * @throws KbError KB_DISCOVERY_FILE
 */
export function parseDiscoveryFile(text: string, source: string): DiscoveryFile {
  const document = readDocument(text, source);
  const clusters = document['clusters'];
  if (!Array.isArray(clusters) || clusters.length === 0) throw unusable(source, 'it has no cluster');
  const cluster = bodyOf(clusters, '', 'cluster') ?? clusterOfContext(document, source);
  const server = cluster['server'];
  if (typeof server !== 'string' || server === '') throw unusable(source, 'its cluster has no server');
  if (!isHttps(server)) throw unusable(source, `its server ${JSON.stringify(server)} is not an https URL`);
  if (cluster['insecure-skip-tls-verify'] === true) {
    throw unusable(source, 'it sets insecure-skip-tls-verify: the API server could be impersonated');
  }
  const user = userOfContext(document);
  return {
    server: server.replace(/\/+$/, ''),
    ca: sourceOf(cluster, 'certificate-authority'),
    clientCertificate: sourceOf(user, 'client-certificate'),
    clientKey: sourceOf(user, 'client-key'),
    token: tokenOf(user),
    otherLogins: otherLogins.filter((name) => user[name] !== undefined && user[name] !== null && user[name] !== ''),
  };
}

function readDocument(text: string, source: string): JsonObject {
  if (text.trim() === '') throw unusable(source, 'it is empty');
  let document: unknown;
  try {
    document = readYaml(text);
  } catch (error) {
    throw unusable(source, `it is not YAML (${withoutText(error)})`);
  }
  if (!isJsonObject(document)) throw unusable(source, 'it is not a kubeconfig');
  return document;
}

function isHttps(server: string): boolean {
  return URL.canParse(server) && new URL(server).protocol === 'https:';
}

function contextOf(document: JsonObject): JsonObject | undefined {
  const name = document['current-context'];
  return typeof name === 'string' && name !== '' ? bodyOf(document['contexts'], name, 'context') : undefined;
}

function clusterOfContext(document: JsonObject, source: string): JsonObject {
  const context = contextOf(document);
  if (context === undefined) throw unusable(source, 'its current-context is not among its contexts');
  const cluster = bodyOf(document['clusters'], textOf(context['cluster']), 'cluster');
  if (cluster === undefined) throw unusable(source, `it has no cluster ${JSON.stringify(context['cluster'] ?? '')}`);
  return cluster;
}

function userOfContext(document: JsonObject): JsonObject {
  const context = contextOf(document);
  return (context && bodyOf(document['users'], textOf(context['user']), 'user')) ?? {};
}

/** A file wins over a text, as in client-go. */
function tokenOf(user: JsonObject): Source | undefined {
  const [path, text] = [textOf(user['tokenFile']), textOf(user['token'])];
  if (path !== '') return { kind: 'file', path };
  return text === '' ? undefined : { kind: 'data', text };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** @param found what is wrong with it */
function unusable(source: string, found: string): KbError {
  return new KbError({
    code: 'KB_DISCOVERY_FILE',
    summary: 'the discovery file cannot be used',
    detail: `${source}: ${found}`,
    fix: 'give a kubeconfig with the https server and the CA of the cluster, for example the text `kubeconfig` of the ConfigMap kube-public/cluster-info',
  });
}
