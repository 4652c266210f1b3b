// Finding the cluster by a token: cluster-info is fetched, its signature and the CA pin are checked, then it is fetched
// again over verified TLS (spec 06 §3.1). Nothing is written before all of that held.
import { verifyDetachedJws } from '../../certs/jws.ts';
import type { Api } from '../../cluster/types.ts';
import type { TokenDiscovery } from '../../config/spec.ts';
import { KbError } from '../../errors.ts';
import { parseClusterInfo } from '../../kubeconfig/kubeconfig.ts';
import { signatureKey } from '../../manifests/cluster-info.ts';
import { TimedOut, until, type Attempt } from '../../util/until.ts';
import type { FoundCluster, JoinContext } from './context.ts';
import { clusterInfoData, lookAtClusterInfo, waiting } from './cluster-info.ts';
import { judgeBundle, pinOf } from '../../certs/pin.ts';
import { pinsOfFound } from './discovered-ca.ts';

/** Server, CA and token of the cluster that signed with this token. */
export async function findByToken(ctx: JoinContext, discovery: TokenDiscovery): Promise<FoundCluster> {
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
  const ca = pinnedCa(ctx, discovery, info.ca);

  if (discovery.caCertHashes.length > 0) {
    const verified = ctx.apis.open({ server, ca });
    try {
      await assertSameInfo(ctx, verified, text);
    } finally {
      verified.close();
    }
  }
  return { server: info.server, ca, token: ctx.spec.tlsBootstrapToken ?? discovery.token };
}

interface Token {
  readonly tokenId: string;
  readonly tokenSecret: string;
}

/**
 * How long a cluster-info without a signature of the token is looked at again: the controller manager signs for a new token
 * within seconds, and for one that is unknown or has expired never.
 */
const unsignedSeconds = 15;

/** The kubeconfig text of cluster-info once it carries a good signature of our token. */
async function signedClusterInfo(ctx: JoinContext, api: Api, token: Token): Promise<string> {
  let unsignedSince: number | undefined;
  const attempt = async (): Promise<Attempt<string>> => {
    const found = await readSigned(ctx, api, token);
    if (!('isUnsigned' in found)) return found;
    const now = ctx.clock.now().getTime();
    unsignedSince ??= now;
    const seconds = Math.round((now - unsignedSince) / 1000);
    if (seconds >= unsignedSeconds) throw tokenUnknown(ctx, api.server, token.tokenId, seconds, found.notYet);
    return found;
  };
  try {
    return await until(`${api.server} to show a cluster-info signed for token ${token.tokenId}`, waiting(ctx), attempt);
  } catch (error) {
    if (!(error instanceof TimedOut)) throw error;
    if (unsignedSince === undefined) throw discoveryTimeout(ctx, api.server, error);
    throw tokenUnknown(ctx, api.server, token.tokenId, error.seconds, error.last);
  }
}

/** A look at cluster-info; `isUnsigned`: the cluster answers and has no signature of the token. */
type Look = Attempt<string> | { readonly notYet: string; readonly isUnsigned: true };

async function readSigned(ctx: JoinContext, api: Api, { tokenId, tokenSecret }: Token): Promise<Look> {
  const { status, body } = await lookAtClusterInfo(ctx, api, 'nobody');
  if (status !== 200) return { notYet: `HTTP ${status} for ConfigMap kube-public/cluster-info` };
  const { kubeconfig, [signatureKey(tokenId)]: signature } = clusterInfoData(body);
  if (kubeconfig === undefined || kubeconfig === '') return { notYet: 'cluster-info has no kubeconfig' };
  if (signature === undefined) {
    return { notYet: `cluster-info has no signature for token ${tokenId}`, isUnsigned: true };
  }
  if (!verifyDetachedJws(signature, { tokenId, tokenSecret, payload: kubeconfig })) {
    throw new KbError({
      code: 'KB_DISCOVERY_SIGNATURE',
      summary: 'the cluster-info is not signed with this token',
      host: ctx.host.name,
      detail: `${api.server} shows a signature for token ${tokenId} that does not fit the secret half of the token given`,
      fix: 'check the token (`kbinit token list --host root@CONTROL_PLANE`); if it is right, the endpoint may be impersonated: do not join',
    });
  }
  return { value: kubeconfig };
}

/** The CA bundle to go by, every certificate of which the pins vouch for. @throws KbError KB_DISCOVERY_PIN, KB_DISCOVERY_CA */
function pinnedCa(ctx: JoinContext, discovery: TokenDiscovery, bundle: string): string {
  const found = pinsOfFound(ctx, bundle, 'cluster-info');
  if (discovery.caCertHashes.length === 0) {
    ctx.reporter.emit({
      kind: 'warning',
      host: ctx.host.name,
      phase: 'preflight',
      text: 'the CA is not pinned: anyone who has the token could have impersonated the API server',
    });
    return bundle;
  }
  const wanted = new Set(discovery.caCertHashes.map((hash) => hash.toLowerCase()));
  const { trusted, strangers } = judgeBundle(bundle, wanted);
  if (strangers.length === 0) return trusted;
  const pinned = `pinned is ${[...wanted].join(', ')}`;
  const problem = { code: 'KB_DISCOVERY_PIN', host: ctx.host.name } as const;
  if (trusted === '') {
    throw new KbError({
      ...problem,
      summary: 'the cluster CA does not match --discovery-token-ca-cert-hash',
      detail: `${discovery.apiServerEndpoint} has ${found.join(', ')}; ${pinned}`,
      fix: 'use the hash that `kbinit token create --print-join-command --host root@CONTROL_PLANE` prints; if it is right, the endpoint may be impersonated: do not join',
    });
  }
  const names = strangers.map((one) => `${JSON.stringify(one.subject.commonName)} (${pinOf(one)})`).join(', ');
  throw new KbError({
    ...problem,
    summary: 'the CA bundle of the cluster holds CAs that --discovery-token-ca-cert-hash does not cover',
    detail: `${discovery.apiServerEndpoint} also has ${names}; ${pinned}`,
    fix: 'compare them with /etc/kubernetes/pki/ca.crt of a control plane: if they are there, give the hash of each; if not, the endpoint may be impersonated: do not join',
  });
}

/** The second look, over TLS verified with the pinned CA, must see the same bytes. */
async function assertSameInfo(ctx: JoinContext, api: Api, text: string): Promise<void> {
  let found: string | undefined;
  try {
    found = await until('the same cluster-info over verified TLS', waiting(ctx), async () => {
      const { status, body } = await lookAtClusterInfo(ctx, api, 'the pinned CA');
      return status === 200 ? { value: clusterInfoData(body)['kubeconfig'] } : { notYet: `HTTP ${status}` };
    });
  } catch (error) {
    throw error instanceof TimedOut ? discoveryTimeout(ctx, api.server, error) : error;
  }
  if (found === text) return;
  throw new KbError({
    code: 'KB_DISCOVERY_SIGNATURE',
    summary: 'cluster-info changed between two reads',
    host: ctx.host.name,
    detail: `what ${api.server} showed without and with verified TLS is not the same`,
    fix: 'try again; if it happens again, the endpoint may be impersonated: do not join',
  });
}

function tokenUnknown(ctx: JoinContext, server: string, tokenId: string, seconds: number, last: string): KbError {
  return new KbError({
    code: 'KB_TOKEN_UNKNOWN',
    summary: 'the cluster does not know this token',
    host: ctx.host.name,
    detail: `asked ${server} from ${ctx.host.name} for ${seconds} s; last answer: ${last}`,
    fix: `token ${tokenId} has expired or was never created: make a new one with \`kbinit token create --print-join-command --host root@CONTROL_PLANE\` and join with it`,
  });
}

function discoveryTimeout(ctx: JoinContext, server: string, failure: TimedOut): KbError {
  return new KbError({
    code: 'KB_DISCOVERY_TIMEOUT',
    summary: 'the cluster could not be found',
    host: ctx.host.name,
    detail: `asked ${server} from ${ctx.host.name} for ${failure.seconds} s; last answer: ${failure.last}`,
    fix: 'check the address and that the host reaches it (a firewall, a load balancer without a healthy backend), then run the same command again',
  });
}
