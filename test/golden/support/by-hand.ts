// TEMPORARY until src/config/load.ts is there: builds the spec of a golden case from its config.yaml.
import type { Arg, InitSpec } from '../../../src/config/spec.ts';
import { parseVersion } from '../../../src/kube/version.ts';
import { readYamlAll } from '../../../src/util/yaml.ts';
/* oxlint-disable */
const zero = (o: any) => o;
export function byHand(text: string, minor: number): InitSpec {
  const docs: any[] = [...readYamlAll(text)];
  const get = (kind: string) => docs.find((d) => d?.kind === kind);
  const init = get('InitConfiguration'), c = get('ClusterConfiguration'), k = get('KubeletConfiguration'), p = get('KubeProxyConfiguration');
  const args = (a: any): Arg[] => Array.isArray(a) ? a : Object.keys(a ?? {}).sort().map((name) => ({ name, value: a[name] }));
  const comp = (x: any = {}) => ({ extraArgs: args(x.extraArgs), extraVolumes: x.extraVolumes ?? [], extraEnvs: x.extraEnvs ?? [] });
  const net = { serviceSubnet: '10.96.0.0/12', podSubnet: '', dnsDomain: 'cluster.local', ...c.networking };
  const port = init.localAPIEndpoint.bindPort ?? 6443;
  const cpe = c.controlPlaneEndpoint && (/:\d+$/.test(c.controlPlaneEndpoint) ? c.controlPlaneEndpoint : `${c.controlPlaneEndpoint}:${port}`);
  const z = '0s';
  const logging = { flushFrequency: 0, options: { json: { infoBufferSize: '0' }, ...(minor >= 30 ? { text: { infoBufferSize: '0' } } : {}) }, verbosity: 0 };
  const ext = c.etcd?.external;
  return {
    cluster: {
      version: parseVersion(c.kubernetesVersion)!, clusterName: c.clusterName ?? 'kubernetes', ...(cpe ? { controlPlaneEndpoint: cpe } : {}),
      networking: net, apiServer: { ...comp(c.apiServer), certSANs: c.apiServer?.certSANs ?? [] }, controllerManager: comp(c.controllerManager), scheduler: comp(c.scheduler),
      etcd: ext ? { kind: 'external', endpoints: ext.endpoints, httpEndpoints: ext.endpoints, caFile: ext.caFile, certFile: ext.certFile, keyFile: ext.keyFile }
        : { kind: 'local', dataDir: c.etcd?.local?.dataDir ?? '/var/lib/etcd', extraArgs: args(c.etcd?.local?.extraArgs), extraEnvs: [], serverCertSANs: c.etcd?.local?.serverCertSANs ?? [], peerCertSANs: c.etcd?.local?.peerCertSANs ?? [] },
      dns: { isDisabled: false, ...(c.dns?.imageRepository ? { imageRepository: c.dns.imageRepository, imageTag: c.dns.imageTag } : {}) }, proxy: { isDisabled: false },
      certificatesDir: '/etc/kubernetes/pki', imageRepository: c.imageRepository ?? 'registry.k8s.io', featureGates: {}, encryptionAlgorithm: c.encryptionAlgorithm ?? 'RSA-2048', certificateValiditySeconds: 3600*parseInt(c.certificateValidityPeriod ?? '8760'), caCertificateValiditySeconds: 3600*parseInt(c.caCertificateValidityPeriod ?? '87600'),
      kubelet: { isUserSupplied: k !== undefined, document: zero({
        apiVersion: 'kubelet.config.k8s.io/v1beta1', authentication: { anonymous: { enabled: false }, webhook: { cacheTTL: z, enabled: true }, x509: { clientCAFile: '/etc/kubernetes/pki/ca.crt' } },
        authorization: { mode: 'Webhook', webhook: { cacheAuthorizedTTL: z, cacheUnauthorizedTTL: z } }, cgroupDriver: 'systemd', clusterDNS: ['10.96.0.10'], clusterDomain: net.dnsDomain, containerRuntimeEndpoint: '',
        cpuManagerReconcilePeriod: z, ...(minor >= 32 ? { crashLoopBackOff: {} } : {}), evictionPressureTransitionPeriod: z, fileCheckFrequency: z, healthzBindAddress: '127.0.0.1', healthzPort: 10248, httpCheckFrequency: z,
        ...(minor >= 29 ? { imageMaximumGCAge: z } : {}), imageMinimumGCAge: z, kind: 'KubeletConfiguration', logging, memorySwap: {}, nodeStatusReportFrequency: z, nodeStatusUpdateFrequency: z, rotateCertificates: true, runtimeRequestTimeout: z,
        shutdownGracePeriod: z, shutdownGracePeriodCriticalPods: z, staticPodPath: '/etc/kubernetes/manifests', streamingConnectionIdleTimeout: z, syncFrequency: z, volumeStatsAggPeriod: z, ...k }) },
      kubeProxy: { isUserSupplied: p !== undefined, document: {
        apiVersion: 'kubeproxy.config.k8s.io/v1alpha1', bindAddress: '0.0.0.0', bindAddressHardFail: false, clientConnection: { acceptContentTypes: '', burst: 0, contentType: '', kubeconfig: '/var/lib/kube-proxy/kubeconfig.conf', qps: 0 }, clusterCIDR: net.podSubnet, configSyncPeriod: z,
        conntrack: { maxPerCore: null, min: null, ...(minor>=29?{tcpBeLiberal: false}:{}), tcpCloseWaitTimeout: null, tcpEstablishedTimeout: null, ...(minor>=29?{udpStreamTimeout: z, udpTimeout: z}:{}) }, detectLocal: { bridgeInterface: '', interfaceNamePrefix: '' }, detectLocalMode: '', enableProfiling: false, healthzBindAddress: '', hostnameOverride: '',
        iptables: { localhostNodePorts: null, masqueradeAll: false, masqueradeBit: null, minSyncPeriod: z, syncPeriod: z }, ipvs: { excludeCIDRs: null, minSyncPeriod: z, scheduler: '', strictARP: false, syncPeriod: z, tcpFinTimeout: z, tcpTimeout: z, udpTimeout: z },
        kind: 'KubeProxyConfiguration', logging, metricsBindAddress: '', mode: '', ...(minor>=29?{nftables: { masqueradeAll: false, masqueradeBit: null, minSyncPeriod: z, syncPeriod: z }}:{}), nodePortAddresses: null, oomScoreAdj: null, portRange: '', showHiddenMetricsForVersion: '',
        winkernel: { enableDSR: false, forwardHealthCheckVip: false, networkName: '', rootHnsEndpointName: '', sourceVip: '' }, ...p } },
    },
    node: { name: init.nodeRegistration.name ?? 'master1', criSocket: init.nodeRegistration.criSocket, taints: init.nodeRegistration.taints, kubeletExtraArgs: args(init.nodeRegistration.kubeletExtraArgs), ignorePreflightErrors: [], imagePullPolicy: 'IfNotPresent', imagePullSerial: true },
    localAPIEndpoint: { advertiseAddress: init.localAPIEndpoint.advertiseAddress, bindPort: port },
    bootstrapTokens: init.bootstrapTokens.map((t: any) => ({ token: t.token, ...(t.description ? { description: t.description } : {}), ttlSeconds: t.ttl === undefined ? 86400 : parseInt(t.ttl) * 3600, usages: t.usages ?? ['signing', 'authentication'], groups: t.groups ?? ['system:bootstrappers:kubeadm:default-node-token'] })),
    skipPhases: [], timeouts: { controlPlaneComponentHealthCheck: c.apiServer?.timeoutForControlPlane ? 120 : 240 } as any, isDryRun: false,
  };
}
