// Finding the cluster by a token: cluster-info is fetched, its signature and the CA pin are checked, then it is fetched
// again over verified TLS (spec 06 §3.1). Nothing is written before all of that held.
import { verifyDetachedJws } from '../../certs/jws.ts';
import type { Api } from '../../cluster/types.ts';
import type { TokenDiscovery } from '../../config/spec.ts';
import { KbError } from '../../errors.ts';
import { parseClusterInfo } from '../../kubeconfig/kubeconfig.ts';
import { signatureKey } from '../../manifests/cluster-info.ts';
import { GaveUp, until, type Attempt } from '../../util/until.ts';
import type { FoundCluster, JoinContext } from '../context.ts';
import { clusterInfoData, lookAtClusterInfo, waiting } from './cluster-info.ts';
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
  assertPinned(ctx, discovery, pinsOfFound(ctx, info.ca, 'cluster-info'));

  if (discovery.caCertHashes.length > 0) {
    const verified = ctx.apis.open({ server, ca: info.ca });
    try {
      await assertSameInfo(ctx, verified, text, tokenId);
    } finally {
      verified.close();
    }
  }
  return { server: info.server, ca: info.ca, token: ctx.spec.tlsBootstrapToken ?? discovery.token };
}

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
  const { status, body } = await lookAtClusterInfo(ctx, api, 'nobody');
  if (status !== 200) return { notYet: `HTTP ${status} for ConfigMap kube-public/cluster-info` };
  const { kubeconfig, [signatureKey(tokenId)]: signature } = clusterInfoData(body);
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

function assertPinned(ctx: JoinContext, discovery: TokenDiscovery, found: readonly string[]): void {
  if (discovery.caCertHashes.length === 0) {
    ctx.reporter.emit({
      kind: 'warning',
      host: ctx.host.name,
      phase: 'preflight',
      text: 'the CA is not pinned: whoever has the token could have answered in place of the API server',
    });
    return;
  }
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
      const { status, body } = await lookAtClusterInfo(ctx, api, 'the pinned CA');
      return status === 200 ? { value: clusterInfoData(body)['kubeconfig'] } : { notYet: `HTTP ${status}` };
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
