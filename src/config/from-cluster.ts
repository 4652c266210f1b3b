// The spec of a cluster that runs already, from its ConfigMaps: what a joining control plane needs to know.
import { newestVersion } from '../kube/releases.ts';
import { isMapping } from './finding.ts';
import { loadInit } from './load.ts';
import { configProblem } from './report.ts';
import type { ClusterSpec, ComponentConfig } from './spec.ts';
import { KbError } from '../errors.ts';
import { readYaml } from '../util/yaml.ts';

/** The texts of the ConfigMaps of kube-system. */
export interface ClusterConfigMaps {
  /** kubeadm-config, ClusterConfiguration */
  readonly clusterConfiguration: string;
  /** kubelet-config, kubelet */
  readonly kubelet: string;
  /** kube-proxy, config.conf; absent in a cluster without kube-proxy. */
  readonly kubeProxy?: string;
}

function component(text: string, source: string): ComponentConfig {
  const document = readOrRefuse(text, source);
  if (isMapping(document)) return { isUserSupplied: false, document };
  throw unusable(source, 'the document is not a mapping');
}

function readOrRefuse(text: string, source: string): unknown {
  try {
    return readYaml(text);
  } catch (error) {
    throw unusable(source, error instanceof Error ? error.message : String(error));
  }
}

function unusable(source: string, reason: string): KbError {
  return new KbError(
    configProblem(`${source}: ${reason}`, 'run `kbinit init phase upload-config all --host root@CONTROL_PLANE`'),
  );
}

/**
 * The cluster as its own ConfigMaps describe it; the component documents are kept as they are.
 * @throws KbError KB_CONFIG when kubeadm-config is not readable
 */
export function clusterOf(maps: ClusterConfigMaps): ClusterSpec {
  const { draft } = loadInit(maps.clusterConfiguration, 'ConfigMap kube-system/kubeadm-config', {});
  const { version, ...cluster } = draft.cluster;
  return {
    ...cluster,
    version: version ?? newestVersion(),
    kubelet: component(maps.kubelet, 'ConfigMap kube-system/kubelet-config'),
    kubeProxy: component(maps.kubeProxy ?? '{}', 'ConfigMap kube-system/kube-proxy'),
  };
}
