// Which cluster the certs and kubeconfig commands work for: a configuration file, the cluster's own, or the defaults.
import type { HostView } from '../../host/host.ts';
import { KbError } from '../../errors.ts';
import type { InitDraft } from '../../config/draft.ts';
import { loadInit } from '../../config/load.ts';
import type { ClusterSpec } from '../../config/spec.ts';
import { paths } from '../../kube/paths.ts';
import { newestVersion } from '../../kube/releases.ts';
import { clientOf } from '../../kubeconfig/kubeconfig.ts';
import { readYaml } from '../../util/yaml.ts';
import { tellWarnings } from './init-run.ts';
import { readInput } from '../run/prompt.ts';
import type { ConnectionOptions, Session } from '../run/session.ts';
import { isJsonObject } from '../../util/json.ts';

export interface CertsConfigOptions extends ConnectionOptions {
  readonly config?: string;
  readonly certDir?: string;
  readonly kubeconfig?: string;
}

export interface CertsConfig {
  readonly draft: InitDraft;
  /** The draft's cluster with its version and folder known. */
  readonly cluster: InitDraft['cluster'] & Pick<ClusterSpec, 'version'>;
  /** False when these are only the defaults, because the cluster could not be asked. */
  readonly isConfigured: boolean;
}

const source = 'ConfigMap kube-system/kubeadm-config';
/** One look: certificates are often looked after when the API server is down. */
const patienceSeconds = 5;

/** The file, else the cluster behind the host's admin.conf, else the defaults. @throws KbError KB_CONFIG, KB_FILE */
export async function certsConfig(session: Session<HostView>, options: CertsConfigOptions): Promise<CertsConfig> {
  if (options.config !== undefined) return fileConfig(session, options);
  const found = await clusterText(session, options.kubeconfig ?? paths.adminConf);
  if ('text' in found) return completed(loadInit(found.text, source, {}).draft, options, true);
  const text = `the cluster's own configuration cannot be read (${found.reason}): going on with the defaults`;
  session.reporter.emit({ kind: 'warning', host: session.host.name, text });
  return defaultConfig(options);
}

/** The file, else the defaults: for what is made before there is a cluster. @throws KbError KB_CONFIG, KB_FILE */
export function offlineConfig(session: Session<HostView>, options: CertsConfigOptions): CertsConfig {
  return options.config === undefined ? defaultConfig(options) : fileConfig(session, options);
}

function fileConfig(session: Session<HostView>, options: CertsConfigOptions): CertsConfig {
  const path = options.config ?? '';
  const { draft, warnings } = loadInit(readInput(path, 'config'), path, {});
  tellWarnings(warnings, session.reporter, session.host.name);
  return completed(draft, options, true);
}

function defaultConfig(options: CertsConfigOptions): CertsConfig {
  return completed(loadInit(undefined, 'the defaults', {}).draft, options, false);
}

function completed(draft: InitDraft, { certDir }: CertsConfigOptions, isConfigured: boolean): CertsConfig {
  const cluster = {
    ...draft.cluster,
    version: draft.cluster.version ?? newestVersion(),
    ...(certDir === undefined ? {} : { certificatesDir: certDir.replace(/(.)\/+$/, '$1') }),
  };
  return { draft: { ...draft, cluster }, cluster, isConfigured };
}

type Found = { readonly text: string } | { readonly reason: string };

/** ClusterConfiguration from the cluster, or why not. */
async function clusterText(session: Session<HostView>, path: string): Promise<Found> {
  const kubeconfig = await session.host.read(path);
  if (kubeconfig === undefined) return { reason: `${path} does not exist` };
  try {
    const api = session.apis.open(clientOf(kubeconfig, path), { callSeconds: patienceSeconds });
    try {
      const answer = await api.raw('/api/v1/namespaces/kube-system/configmaps/kubeadm-config', patienceSeconds);
      if (answer.status !== 200) return { reason: `the API server answers ${answer.status}` };
      return configurationOf(answer.body);
    } finally {
      api.close();
    }
  } catch (error) {
    if (session.signal.aborted) throw error;
    const [problem] = error instanceof KbError ? error.problems : [];
    return { reason: problem?.detail ?? (error instanceof Error ? error.message : String(error)) };
  }
}

function configurationOf(body: string): Found {
  const document = readYaml(body);
  const data = isJsonObject(document) ? document['data'] : undefined;
  const text = isJsonObject(data) ? data['ClusterConfiguration'] : undefined;
  return typeof text === 'string' ? { text } : { reason: `${source} holds no ClusterConfiguration` };
}
