// The admin's client on a control plane that runs: through its own API server where that is ready, else as the kubeconfig says.
import type { HostView } from '../../host/host.ts';
import type { Api } from '../../cluster/types.ts';
import { KbError } from '../../errors.ts';
import { manifestPath, paths } from '../../kube/paths.ts';
import { localEndpoint } from '../../kubeconfig/endpoint.ts';
import type { RunContext } from '../context.ts';
import { tlsRefusal } from '../../util/tls-error.ts';
import { hostClient } from './host-client.ts';
import { parseStaticPod } from './static-pod.ts';

/** Seconds for an API server to say that it is ready. */
const readySeconds = 4;

/**
 * A client of an API server that answers. The host's own is asked first: it needs no load balancer, which may still
 * send to a control plane that is gone. @throws KbError KB_API_UNREACHABLE, KB_API_TLS, KB_KUBECONFIG_MISSING, KB_KUBECONFIG_INVALID
 */
export async function readyApi(
  { host, apis }: Pick<RunContext, 'apis'> & { readonly host: HostView },
  kubeconfig: string = paths.adminConf,
): Promise<Api> {
  const credentials = await hostClient(host, kubeconfig);
  const own = kubeconfig === paths.adminConf ? ownServer(await host.read(manifestPath('kube-apiserver'))) : undefined;
  const failures: string[] = [];
  let refusal: KbError | undefined;
  for (const server of new Set([...(own === undefined ? [] : [own]), credentials.server])) {
    const api = apis.open({ ...credentials, server });
    const failure = await unreadiness(api);
    if (failure === undefined) return api;
    api.close();
    refusal = tlsRefusal(server, host.name, failure);
    failures.push(`${server}: ${failure instanceof Error ? failure.message : failure}`);
  }
  if (refusal !== undefined) throw refusal;
  throw new KbError({
    code: 'KB_API_UNREACHABLE',
    summary: 'no API server of the cluster is ready',
    host: host.name,
    detail: `asked from ${host.name} with ${kubeconfig}: ${failures.join('; ')}`,
    fix: 'use a control plane that is running (--host); if none is, check etcd first: `kbinit etcd status --host root@CONTROL_PLANE`',
  });
}

async function unreadiness(api: Api): Promise<string | Error | undefined> {
  try {
    const { status, body } = await api.raw('/readyz', readySeconds);
    return status === 200 ? undefined : `${status} ${body.slice(0, 200)}`;
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') throw error;
    return error instanceof Error ? error : String(error);
  }
}

/** `https://192.168.3.29:6443` from kube-apiserver's manifest. */
function ownServer(manifest: string | undefined): string | undefined {
  const flags = parseStaticPod(manifest)?.flags;
  const advertiseAddress = flags?.get('advertise-address');
  if (advertiseAddress === undefined || advertiseAddress === '') return undefined;
  return localEndpoint({ advertiseAddress, bindPort: Number(flags?.get('secure-port') ?? 6443) });
}
