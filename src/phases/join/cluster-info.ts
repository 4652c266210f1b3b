// The ConfigMap cluster-info of kube-public: where it is, what is in it, how it is looked at and for how long.
import type { Api, ApiAnswer } from '../../cluster/types.ts';
import { KbError } from '../../errors.ts';
import { isJsonObject, parseJson } from '../../util/json.ts';
import { isCertificateError } from '../../util/tls-error.ts';
import type { UntilOptions } from '../../util/until.ts';
import { reportedTo } from '../context.ts';
import type { JoinContext } from './context.ts';

/** Readable by everybody (spec 04: Role kubeadm:bootstrap-signer-clusterinfo). */
export const clusterInfoPath = '/api/v1/namespaces/kube-public/configmaps/cluster-info';

/** A dry run does not wait long for a cluster: it goes by what is known. A cluster that was just made signs within this time. */
const dryRunSeconds = 10;

/** Look often: the controller-manager signs the cluster-info of a new cluster or token within a second. */
const intervalMs = 50;

/** One look. @throws KbError KB_DISCOVERY_TLS when the server's certificate is refused: another look would see the same */
export async function lookAtClusterInfo(ctx: JoinContext, api: Api, whose: string): Promise<ApiAnswer> {
  try {
    return await api.raw(clusterInfoPath, ctx.spec.isDryRun ? dryRunSeconds / 3 : undefined);
  } catch (error) {
    throw isCertificateError(error) ? impostor(ctx, api.server, whose, error.message) : error;
  }
}

/** The texts of the ConfigMap in an answer; of a body that is no ConfigMap, none. */
export function clusterInfoData(body: string): Readonly<Record<string, string>> {
  const data = parseJson(body, isJsonObject)?.['data'];
  const entries = Object.entries(isJsonObject(data) ? data : {});
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

/** How discovery waits: the configured time, a short one in a dry run. */
export function waiting(ctx: JoinContext): UntilOptions {
  return {
    timeoutSeconds: ctx.spec.isDryRun ? dryRunSeconds : ctx.spec.timeouts.discovery,
    intervalMs,
    ...reportedTo(ctx, 'preflight', 'cluster-info'),
  };
}

/** @param whose CA the certificate was checked with */
export function impostor(ctx: Pick<JoinContext, 'host'>, server: string, whose: string, found: string): KbError {
  return new KbError({
    code: 'KB_DISCOVERY_TLS',
    summary: 'API server certificate is not signed by the cluster CA',
    host: ctx.host.name,
    detail: `${server}, asked from ${ctx.host.name}, shows a certificate that ${whose} did not sign: ${found}`,
    fix: "check the address (another cluster's, a proxy that terminates TLS?) and the clocks; if they are right, the endpoint may be impersonated: do not join",
  });
}
