// Phase bootstrap-token: what nodes join with: a token, the rules around it, and the public cluster-info.
import { detachedJws } from '../../certs/jws.ts';
import type { Api, KubeObject } from '../../cluster/types.ts';
import { defaultToken } from '../../config/defaults.ts';
import type { BootstrapToken } from '../../config/spec.ts';
import { clusterInfoKubeconfig, clientOf } from '../../kubeconfig/kubeconfig.ts';
import {
  bootstrapTokenSecret,
  isUsableToken,
  tokenOfSecret,
  type StoredToken,
} from '../../manifests/bootstrap-token.ts';
import { clusterInfoObjects, clusterInfoRef, signatureKey } from '../../manifests/cluster-info.ts';
import { bootstrapTokenRbac } from '../../manifests/rbac.ts';
import { paths } from '../../kube/paths.ts';
import type { Phase, PhaseOutcome } from '../../workflow/phase.ts';
import { adminApi } from './admin.ts';
import { applyAll, together } from '../cluster/apply.ts';
import { step, type InitContext } from '../context.ts';
import { readExisting } from './existing.ts';

export const bootstrapToken: Phase<InitContext> = {
  name: 'bootstrap-token',
  aliases: ['bootstraptoken'],
  summary: 'Create the bootstrap token',
  flags: ['config', 'kubeconfig', 'skip-token-print', 'dry-run'],
  run: createTokens,
};

async function createTokens(ctx: InitContext): Promise<PhaseOutcome> {
  const api = await adminApi(ctx);
  const earlier = await tokenSecrets(api);
  const now = ctx.clock.now();
  const plans = ctx.spec.bootstrapTokens.map((wanted) => planToken(wanted, earlier, now));
  const admin = clientOf(await adminConf(ctx), paths.adminConf);
  const kubeconfig = clusterInfoKubeconfig(admin, ctx.spec.cluster.version);
  const outcomes = await Promise.all([
    applyAll(
      api,
      plans.flatMap(({ secret }) => (secret === undefined ? [] : [secret])),
    ),
    applyAll(api, bootstrapTokenRbac(ctx.spec.cluster.version)),
    applyAll(api, clusterInfoObjects(kubeconfig)),
  ]);
  await sign(api, kubeconfig, plans);
  ctx.tokens = plans.map(({ token }) => token);
  const kept = plans.filter(({ secret }) => secret === undefined).length;
  if (kept > 0) step(ctx, 'bootstrap-token', 'the token of the earlier run is still valid and kept');
  return together(outcomes);
}

/**
 * The controller manager signs cluster-info with each token some seconds after it is up, and a join that is there
 * sooner would have to wait. The signature follows from both (spec 06 §3.1): what it finds, it leaves.
 */
async function sign(api: Api, kubeconfig: string, plans: readonly TokenPlan[]): Promise<void> {
  const made = plans.filter(({ secret, isSigning }) => secret !== undefined && isSigning);
  const signatures = made.map(({ token }) => {
    const [tokenId = '', tokenSecret = ''] = token.split('.');
    return [signatureKey(tokenId), detachedJws({ tokenId, tokenSecret, payload: kubeconfig })] as const;
  });
  if (signatures.length > 0) await api.patch(clusterInfoRef, { data: Object.fromEntries(signatures) });
}

async function adminConf(ctx: InitContext): Promise<string> {
  const existing = await readExisting(ctx);
  return existing.get(ctx.settings.kubeconfig) ?? (await ctx.host.read(ctx.settings.kubeconfig)) ?? '';
}

/** Tokens in the cluster that nodes can join with: what a run of other phases alone has to show. */
export async function storedTokens(ctx: InitContext): Promise<readonly string[]> {
  const now = ctx.clock.now();
  const usable = (await tokenSecrets(await adminApi(ctx))).filter((secret) => isUsableToken(secret, now));
  return usable.flatMap((secret) => {
    const found = tokenOfSecret(secret);
    return found?.groups.some((group) => defaultToken.groups.includes(group)) === true ? [found.token] : [];
  });
}

function tokenSecrets(api: Api): Promise<readonly KubeObject[]> {
  const kind = { apiVersion: 'v1', kind: 'Secret', namespace: 'kube-system' };
  return api.list(kind, { fields: 'type=bootstrap.kubernetes.io/token' });
}

interface TokenPlan {
  readonly token: string;
  /** undefined when the token is in the cluster already. */
  readonly secret?: KubeObject;
  /** It may sign cluster-info. */
  readonly isSigning: boolean;
}

/** Keep a token that is there and valid; a default token of an earlier run stands for the one we would make. */
function planToken(wanted: BootstrapToken, earlier: readonly KubeObject[], now: Date): TokenPlan {
  const usable = earlier.filter((secret) => isUsableToken(secret, now));
  const same = usable.find((secret) => {
    const found = tokenOfSecret(secret);
    return found?.token === wanted.token || (wanted.isGenerated === true && isAlike(found, wanted));
  });
  const token = same && tokenOfSecret(same)?.token;
  const isSigning = wanted.usages.includes('signing');
  if (token !== undefined) return { token, isSigning };
  return { token: wanted.token, secret: bootstrapTokenSecret(wanted, now), isSigning };
}

/** A token for the same ends: what a second run would make is not needed beside it. */
function isAlike(found: StoredToken | undefined, wanted: BootstrapToken): boolean {
  return (
    found !== undefined &&
    found.description === wanted.description &&
    isSameSet(found.usages, wanted.usages) &&
    isSameSet(found.groups, wanted.groups)
  );
}

function isSameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item) => b.includes(item));
}
