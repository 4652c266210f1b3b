// The ConfigMap cluster-info of kube-public: where it is, what is in it, how long to look for it.
import type { until } from '../../util/until.ts';
import type { JoinContext } from '../context.ts';
import { isJsonObject } from '../../util/json.ts';

/** Readable by everybody (spec 04: Role kubeadm:bootstrap-signer-clusterinfo). */
export const clusterInfoPath = '/api/v1/namespaces/kube-public/configmaps/cluster-info';

/** A dry run does not wait long for a cluster: it goes by what is known. A cluster that was just made signs within this time. */
export const dryRunSeconds = 10;

/** Look often: the controller-manager signs the cluster-info of a new cluster or token within a second. */
const intervalMs = 50;

/** The kubeconfig text in the answer, and the signature that this token's id made. */
export function clusterInfoData(
  body: string,
  tokenId: string,
): { kubeconfig: string | undefined; signature: string | undefined } {
  const value: unknown = JSON.parse(body);
  const data = isJsonObject(value) ? value['data'] : undefined;
  const field = (name: string): string | undefined => {
    const found = isJsonObject(data) ? data[name] : undefined;
    return typeof found === 'string' ? found : undefined;
  };
  return { kubeconfig: field('kubeconfig'), signature: field(`jws-kubeconfig-${tokenId}`) };
}

/** How discovery waits: the configured time, a short one in a dry run. */
export function waiting(ctx: JoinContext): Parameters<typeof until>[1] {
  return {
    timeoutSeconds: ctx.spec.isDryRun ? dryRunSeconds : ctx.spec.timeouts.discovery,
    intervalMs,
    signal: ctx.signal,
    onTry: (last) =>
      ctx.reporter.emit({ kind: 'waiting', host: ctx.host.name, phase: 'preflight', what: 'cluster-info', last }),
  };
}
