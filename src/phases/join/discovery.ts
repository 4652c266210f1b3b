// Finding the cluster to join: cluster-info is fetched, its signature and the CA pin are checked, then it is fetched
// again over verified TLS (spec 06 §3). Nothing is written before all of that held.
import { caPins } from '../../certs/pin.ts';
import { verifyDetachedJws } from '../../certs/jws.ts';
import type { Api, KubeObject } from '../../cluster/types.ts';
import type { TokenDiscovery } from '../../config/spec.ts';
import { KbError } from '../../errors.ts';
import { parseClusterInfo } from '../../kubeconfig/kubeconfig.ts';
import { GaveUp, until, type Attempt } from '../../util/until.ts';
import { parseVersion } from '../../kube/version.ts';
import { readYaml } from '../../util/yaml.ts';
import type { DiscoveredCluster, JoinContext } from '../context.ts';
import { assumeCluster } from './assumed.ts';

/** A dry run does not wait long for a cluster: it goes by what is known. A cluster that was just made signs within this time. */
const dryRunSeconds = 10;

/** Look often: a cluster that was just made signs its cluster-info within a second. */
const intervalMs = 150;

/** The cluster to join; found once a run. */
export function discover(ctx: JoinContext): Promise<DiscoveredCluster> {
  ctx.discovered ??= find(ctx);
  return ctx.discovered;
}

async function find(ctx: JoinContext): Promise<DiscoveredCluster> {
  const { discovery } = ctx.spec;
  if (discovery.kind === 'file') throw fileDiscoveryLater(ctx);
  try {
    return await findByToken(ctx, discovery);
  } catch (error) {
    if (!ctx.spec.isDryRun || !(error instanceof KbError) || !error.has('KB_DISCOVERY_TIMEOUT')) throw error;
    return assumeCluster(ctx, discovery, error);
  }
}

async function findByToken(ctx: JoinContext, discovery: TokenDiscovery): Promise<DiscoveredCluster> {
  const [tokenId = '', tokenSecret = ''] = discovery.token.split('.', 2);
  const server = `https://${discovery.apiServerEndpoint}`;

  const insecure = ctx.apis.open({ server });
  let text: string;
  try {
    text = await signedClusterInfo(ctx, insecure, { tokenId, tokenSecret });
  } finally {
    insecure.close();
  }
  const info = parseClusterInfo(text);
  assertPinned(ctx, discovery, info.ca);

  if (discovery.caCertHashes.length > 0) {
    const verified = ctx.apis.open({ server, ca: info.ca });
    try {
      await assertSameInfo(ctx, verified, text, tokenId);
    } finally {
      verified.close();
    }
  }
  const credentials = { server: info.server, ca: info.ca, token: ctx.spec.tlsBootstrapToken ?? discovery.token };
  const api = ctx.apis.open(credentials, { callSeconds: ctx.spec.timeouts.kubernetesAPICall });
  return { credentials, api, ...(await clusterConfigs(ctx, api)) };
}

const clusterInfoPath = '/api/v1/namespaces/kube-public/configmaps/cluster-info';

interface Token {
  readonly tokenId: string;
  readonly tokenSecret: string;
}

/** The kubeconfig text of cluster-info once it carries a good signature of our token. */
async function signedClusterInfo(ctx: JoinContext, api: Api, token: Token): Promise<string> {
  try {
    return await until(`${api.server} to show a cluster-info signed for token ${token.tokenId}`, waiting(ctx), () =>
      readSigned(ctx, api, token),
    );
  } catch (error) {
    throw error instanceof GaveUp ? discoveryTimeout(ctx, api.server, token.tokenId, error) : error;
  }
}

async function readSigned(ctx: JoinContext, api: Api, { tokenId, tokenSecret }: Token): Promise<Attempt<string>> {
  const { status, body } = await api.raw(clusterInfoPath, ctx.spec.isDryRun ? dryRunSeconds / 3 : undefined);
  if (status !== 200) return { notYet: `HTTP ${status} for ConfigMap kube-public/cluster-info` };
  const { kubeconfig, signature } = clusterInfoData(body, tokenId);
  if (kubeconfig === undefined || kubeconfig === '') return { notYet: 'cluster-info has no kubeconfig' };
  if (signature === undefined) return { notYet: `cluster-info has no signature for token ${tokenId}` };
  if (!verifyDetachedJws(signature, { tokenId, tokenSecret, payload: kubeconfig })) {
    throw new KbError({
      code: 'KB_DISCOVERY_SIGNATURE',
      summary: 'the cluster-info is not signed with this token',
      host: ctx.host.name,
      detail: `${api.server} shows a signature for token ${tokenId} that does not fit the secret half of the token given`,
      fix: 'check the token (kubeadm token list); if it is right, somebody else answers at this address: do not join',
    });
  }
  return { value: kubeconfig };
}

function clusterInfoData(
  body: string,
  tokenId: string,
): { kubeconfig: string | undefined; signature: string | undefined } {
  const value: unknown = JSON.parse(body);
  const data = isRecord(value) ? value['data'] : undefined;
  const field = (name: string): string | undefined => {
    const found = isRecord(data) ? data[name] : undefined;
    return typeof found === 'string' ? found : undefined;
  };
  return { kubeconfig: field('kubeconfig'), signature: field(`jws-kubeconfig-${tokenId}`) };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function waiting(ctx: JoinContext): Parameters<typeof until>[1] {
  return {
    timeoutSeconds: ctx.spec.isDryRun ? dryRunSeconds : ctx.spec.timeouts.discovery,
    intervalMs,
    signal: ctx.signal,
    onTry: (last) =>
      ctx.reporter.emit({ kind: 'waiting', host: ctx.host.name, phase: 'preflight', what: 'cluster-info', last }),
  };
}

function assertPinned(ctx: JoinContext, discovery: TokenDiscovery, ca: string): void {
  if (discovery.caCertHashes.length === 0) {
    ctx.reporter.emit({
      kind: 'warning',
      host: ctx.host.name,
      phase: 'preflight',
      text: 'the CA is not pinned: whoever has the token could have answered in place of the API server',
    });
    return;
  }
  const found = caPins(ca);
  const wanted = new Set(discovery.caCertHashes.map((hash) => hash.toLowerCase()));
  if (found.some((pin) => wanted.has(pin))) return;
  throw new KbError({
    code: 'KB_DISCOVERY_PIN',
    summary: 'the CA of this cluster is not the pinned one',
    host: ctx.host.name,
    detail: `${discovery.apiServerEndpoint} has ${found.join(', ')}; pinned is ${[...wanted].join(', ')}`,
    fix: 'take the hash from `kbinit init` of this very cluster; if it is right, somebody else answers at this address: do not join',
  });
}

/** The second look, over TLS verified with the pinned CA, must see the same bytes. */
async function assertSameInfo(ctx: JoinContext, api: Api, text: string, tokenId: string): Promise<void> {
  let found: string | undefined;
  try {
    found = await until('the same cluster-info over verified TLS', waiting(ctx), async () => {
      const { status, body } = await api.raw(clusterInfoPath);
      return status === 200 ? { value: clusterInfoData(body, tokenId).kubeconfig } : { notYet: `HTTP ${status}` };
    });
  } catch (error) {
    throw error instanceof GaveUp ? discoveryTimeout(ctx, api.server, tokenId, error) : error;
  }
  if (found === text) return;
  throw new KbError({
    code: 'KB_DISCOVERY_SIGNATURE',
    summary: 'the cluster-info changed between two looks',
    host: ctx.host.name,
    detail: `what ${api.server} showed without and with verified TLS is not the same`,
    fix: 'try again; if it happens again, somebody else answers at this address: do not join',
  });
}

function discoveryTimeout(ctx: JoinContext, server: string, tokenId: string, failure: GaveUp): KbError {
  const isUnsigned = failure.last.includes('no signature');
  return new KbError({
    code: isUnsigned ? 'KB_TOKEN_UNKNOWN' : 'KB_DISCOVERY_TIMEOUT',
    summary: isUnsigned ? 'the cluster does not know this token' : 'the cluster could not be found',
    host: ctx.host.name,
    detail: `asked ${server} from ${ctx.host.name} for ${failure.seconds} s; last answer: ${failure.last}`,
    fix: isUnsigned
      ? `token ${tokenId} has expired or was never made; make a new one on a control plane (kubeadm token create --print-join-command) and join with it`
      : 'check the address and that the host reaches it (a firewall, a load balancer without a healthy backend), then run the same command again',
  });
}

function fileDiscoveryLater(ctx: JoinContext): KbError {
  return new KbError({
    code: 'KB_NOT_YET',
    summary: 'discovery from a file is not there yet',
    host: ctx.host.name,
    detail: 'this version of kbinit joins with a token and the CA hash',
    fix: 'use `kbinit join HOST:PORT --token … --discovery-token-ca-cert-hash sha256:…`',
  });
}

/** What a node needs to know of the cluster it joins. */
async function clusterConfigs(ctx: JoinContext, api: Api): Promise<Pick<DiscoveredCluster, 'clusterName' | 'cluster'>> {
  const read = async (name: string, key: string): Promise<string> => {
    const object = await api.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace: 'kube-system', name });
    const text = textOf(object, key);
    if (text !== undefined) return text;
    throw new KbError({
      code: 'KB_CLUSTER_CONFIG',
      summary: `the cluster has no ${name}`,
      host: ctx.host.name,
      detail: `ConfigMap kube-system/${name} has no key ${key}`,
      fix: 'run `kbinit init phase upload-config all` on a control plane',
    });
  };
  const [configuration, kubelet] = await Promise.all([
    read('kubeadm-config', 'ClusterConfiguration').then(asDocument),
    read('kubelet-config', 'kubelet').then(asDocument),
  ]);
  const text = (field: string): string | undefined => {
    const value = configuration[field];
    return typeof value === 'string' ? value : undefined;
  };
  const version = parseVersion(text('kubernetesVersion') ?? '');
  if (version === undefined) {
    throw new KbError({
      code: 'KB_CLUSTER_CONFIG',
      summary: 'the version of the cluster cannot be read',
      host: ctx.host.name,
      detail: `kubernetesVersion in ConfigMap kube-system/kubeadm-config is ${JSON.stringify(text('kubernetesVersion'))}`,
      fix: 'run `kbinit init phase upload-config all` on a control plane',
    });
  }
  return {
    clusterName: text('clusterName') ?? 'kubernetes',
    cluster: {
      version,
      featureGates: gatesOf(configuration['featureGates']),
      imageRepository: text('imageRepository') ?? 'registry.k8s.io',
      kubelet: { isUserSupplied: false, document: kubelet },
    },
  };
}

function asDocument(text: string): Readonly<Record<string, unknown>> {
  const document = readYaml(text);
  return isRecord(document) ? document : {};
}

function gatesOf(value: unknown): Readonly<Record<string, boolean>> {
  return isRecord(value) ? Object.fromEntries(Object.entries(value).map(([name, on]) => [name, on === true])) : {};
}

function textOf(object: KubeObject | undefined, key: string): string | undefined {
  const data = object?.['data'];
  const value = isRecord(data) ? data[key] : undefined;
  return typeof value === 'string' ? value : undefined;
}
