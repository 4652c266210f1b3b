// What `kbinit addon apply flannel` does: the Pod subnet from the cluster's own configuration, then the objects.
import { KbError } from '../../errors.ts';
import { paths } from '../../kube/paths.ts';
import { clientOf } from '../../kubeconfig/kubeconfig.ts';
import { flannelObjects, type FlannelBackend } from '../../manifests/flannel.ts';
import { applyAll } from '../../phases/cluster/apply.ts';
import { readYaml, writeYaml } from '../../util/yaml.ts';
import type { Api } from '../../cluster/types.ts';
import { withSession, type ConnectionOptions } from '../run/session.ts';
import { isJsonObject } from '../../util/json.ts';

export interface AddonOptions extends ConnectionOptions {
  readonly kubeconfig?: string;
  readonly podNetworkCidr?: string;
  readonly imageRepository?: string;
  readonly backend?: FlannelBackend;
  readonly printManifest?: boolean;
}

/** Install flannel through a control-plane host. @throws ReportedError */
export async function applyFlannel(options: AddonOptions): Promise<void> {
  await withSession(
    'addon apply flannel',
    { ...options, hasPlan: options.printManifest !== true },
    options.printManifest === true ? 'read' : 'write',
    async (session) => {
      const path = options.kubeconfig ?? paths.adminConf;
      const text = await session.host.read(path);
      if (text === undefined) {
        throw new KbError({
          code: 'KB_KUBECONFIG_MISSING',
          summary: 'no kubeconfig found for the API server',
          host: session.host.name,
          detail: `${path} does not exist on ${session.host.name}`,
          fix: 'run this on a control-plane host (--host), or name the file with --kubeconfig',
        });
      }
      const api = session.apis.open(clientOf(text, path));
      const start = performance.now();
      const [phase, host] = ['addon flannel', session.host.name];
      session.reporter.emit({ kind: 'phase-start', phase, host, summary: 'Install flannel' });
      try {
        const objects = flannelObjects({
          network: options.podNetworkCidr ?? (await podSubnet(api)),
          backend: options.backend ?? 'vxlan',
          ...(options.imageRepository === undefined ? {} : { imageRepository: options.imageRepository }),
        });
        if (options.printManifest === true) {
          session.print(objects.map(writeYaml).join('---\n'));
          return;
        }
        const outcome = await applyInOrder(api, objects);
        const seconds = (performance.now() - start) / 1000;
        session.reporter.emit({ kind: 'phase-end', phase, host, outcome, seconds });
      } finally {
        api.close();
      }
    },
  );
}

/** The namespace first: everything else lives in it. */
async function applyInOrder(api: Api, objects: ReturnType<typeof flannelObjects>): Promise<'done' | 'unchanged'> {
  const first = await applyAll(api, objects.slice(0, 1));
  const rest = await applyAll(api, objects.slice(1));
  return first === 'unchanged' && rest === 'unchanged' ? 'unchanged' : 'done';
}

/** @throws KbError KB_CLUSTER_CONFIG */
function readConfiguration(text: string): unknown {
  try {
    return readYaml(text);
  } catch (error) {
    throw new KbError({
      code: 'KB_CLUSTER_CONFIG',
      summary: 'a configuration of the cluster cannot be read',
      detail: `ConfigMap kube-system/kubeadm-config: ${error instanceof Error ? error.message : String(error)}`,
      fix: 'correct that ConfigMap, or run `kbinit init phase upload-config all` on a control plane',
    });
  }
}

/** What init was told; flannel hands out of it. */
async function podSubnet(api: Api): Promise<string> {
  const ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'kube-system', name: 'kubeadm-config' };
  const data = (await api.get(ref))?.['data'];
  const document =
    isJsonObject(data) && typeof data['ClusterConfiguration'] === 'string'
      ? readConfiguration(data['ClusterConfiguration'])
      : undefined;
  const networking = isJsonObject(document) ? document['networking'] : undefined;
  const subnet = isJsonObject(networking) ? networking['podSubnet'] : undefined;
  if (typeof subnet === 'string' && subnet !== '') return subnet;
  throw new KbError({
    code: 'KB_POD_SUBNET',
    summary: 'the cluster has no Pod subnet',
    detail: 'networking.podSubnet in ConfigMap kube-system/kubeadm-config is not set, so nodes have no Pod CIDR',
    fix: 'set up the cluster with --pod-network-cidr; flannel needs the controller manager to hand out Pod CIDRs',
  });
}
