// What the four static Pods have in common: their shape, probes, volumes and environment (spec 04 §3.1, §3.2, §3.8, §3.9).
import type { ApiEndpoint, ClusterSpec, ControlPlaneComponent, EnvVar, Timeouts } from '../config/spec.ts';
import { KbError } from '../errors.ts';
import type { Artifact } from '../host/host.ts';
import { manifestPath, type StaticPod, staticPods } from '../kube/paths.ts';
import { hasPodPriority, namesProbePorts, sortsPodEnvironment, writesNullTimestamps } from '../kube/traits.ts';
import type { KubeVersion } from '../kube/version.ts';
import type { JsonObject } from '../util/json.ts';
import { writeYaml } from '../util/yaml.ts';
import type { KubeObject } from './object.ts';
import { applyPatches, type PatchFile, readPatches } from './patches.ts';
import { asGoWrites } from './typed-pod.ts';

/** Everything the static Pods of one node are rendered from. */
export interface PodContext {
  readonly cluster: ClusterSpec;
  readonly node: { readonly name: string };
  readonly endpoint: ApiEndpoint;
  readonly timeouts: Pick<Timeouts, 'controlPlaneComponentHealthCheck'>;
  readonly host: {
    /** The extra CA folders that exist on the host. */
    readonly caDirectories: readonly string[];
    readonly proxyEnvironment: Readonly<Record<string, string>>;
  };
  /** ca.key is not on the host and never will be: the controller manager signs nothing. */
  readonly isExternalCA?: boolean;
  /** The members of the etcd cluster this node joins, itself included; none when it is the first. */
  readonly initialCluster?: readonly EtcdMember[];
}

/** A member of an etcd cluster, as `--initial-cluster` names it. */
interface EtcdMember {
  readonly name: string;
  readonly peerURL: string;
}

/** One hostPath volume and where the container sees it. */
export interface PodVolume {
  readonly name: string;
  readonly hostPath: string;
  readonly mountPath: string;
  /** '' is a type too: no check at all. */
  readonly type: string;
  readonly isReadOnly: boolean;
}

/** Where a component answers health requests. */
export interface ProbeTarget {
  readonly scheme: 'HTTP' | 'HTTPS';
  /** Empty: the kubelet uses the Pod's own address. */
  readonly host: string;
  readonly port: number;
  readonly liveness: string;
  readonly readiness?: string;
  readonly startup: string;
}

/** What makes one static Pod different from the others. */
export interface PodParts {
  readonly name: StaticPod;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly image: string;
  readonly command: readonly string[];
  readonly env: readonly EnvVar[];
  readonly requests: Readonly<Record<string, string>>;
  readonly probes: ProbeTarget;
  readonly volumes: readonly PodVolume[];
  /** The order of the mounts; default: by volume name. */
  readonly mountOrder?: readonly string[];
}

/** A static Pod of the control plane. */
export function staticPod(ctx: PodContext, parts: PodParts): KubeObject {
  const { version } = ctx.cluster;
  const volumes = parts.volumes.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...(parts.annotations === undefined ? {} : { annotations: parts.annotations }),
      ...(writesNullTimestamps(version) ? { creationTimestamp: null } : {}),
      labels: { component: parts.name, tier: 'control-plane' },
      name: parts.name,
      namespace: 'kube-system',
    },
    spec: {
      containers: [container(ctx, parts, volumes)],
      hostNetwork: true,
      // The value of system-node-critical: without it a kubelet that sees no API server cannot rank the Pod (kubernetes PR 113085).
      ...(hasPodPriority(version) ? { priority: 2_000_001_000 } : {}),
      priorityClassName: 'system-node-critical',
      securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
      volumes: volumes.map((volume) => ({
        hostPath: { path: volume.hostPath, type: volume.type },
        name: volume.name,
      })),
    },
    status: {},
  };
}

/** A static Pod as the file that the kubelet runs, the user's patches applied. @throws KbError KB_PATCH_* */
export function staticPodArtifact(pod: KubeObject, patchFiles: readonly PatchFile[] = []): Artifact {
  const component = staticPods.find((name) => name === pod.metadata.name);
  if (component === undefined) throw new Error(`${pod.metadata.name} is not a static Pod of the control plane`);
  const patches = readPatches(patchFiles).patches.filter(({ target }) => target === component);
  const patched = patches.length === 0 ? pod : readTyped(component, applyPatches(component, pod, patches));
  return { path: manifestPath(component), mode: 0o600, body: writeYaml(patched) };
}

function readTyped(component: string, patched: JsonObject): JsonObject {
  try {
    return asGoWrites(patched);
  } catch (cause) {
    throw new KbError(
      {
        code: 'KB_PATCH_APPLY',
        summary: `the patched manifest of ${component} is not a Pod`,
        detail: cause instanceof Error ? cause.message : String(cause),
        fix: 'correct the patch of that field',
      },
      { cause },
    );
  }
}

/** Whether any address of the host is meant. */
export function isWildcard(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}

/** A hostPath seen at the same path inside. */
export function samePath(name: string, path: string, type: string, isReadOnly: boolean): PodVolume {
  return { name, hostPath: path, mountPath: path, type, isReadOnly };
}

/** The user's extraVolumes over the defaults: the same name replaces. */
export function withExtraVolumes(defaults: readonly PodVolume[], component: ControlPlaneComponent): PodVolume[] {
  const extra = component.extraVolumes.map((volume): PodVolume => ({
    name: volume.name,
    hostPath: volume.hostPath,
    mountPath: volume.mountPath,
    type: volume.pathType ?? '',
    isReadOnly: volume.readOnly ?? false,
  }));
  return [...new Map([...defaults, ...extra].map((volume) => [volume.name, volume])).values()];
}

/** The host's proxy variables with the component's extraEnvs over them. */
export function environment(ctx: PodContext, component: { readonly extraEnvs: readonly EnvVar[] }): EnvVar[] {
  const proxies = Object.entries(ctx.host.proxyEnvironment)
    .filter(([, value]) => value !== '')
    .map(([name, value]): EnvVar => ({ name, value }));
  return mergeEnvironment([...proxies, ...component.extraEnvs], ctx.cluster.version);
}

/** The last variable of a name wins. */
export function mergeEnvironment(variables: readonly EnvVar[], version: KubeVersion): EnvVar[] {
  const merged = [...new Map(variables.map((variable) => [variable.name, variable])).values()];
  return sortsPodEnvironment(version) ? merged.toSorted((a, b) => (a.name < b.name ? -1 : 1)) : merged;
}

function container(ctx: PodContext, parts: PodParts, volumes: readonly PodVolume[]): Record<string, unknown> {
  const hasPortNames = namesProbePorts(ctx.cluster.version);
  return {
    command: parts.command,
    ...(parts.env.length === 0 ? {} : { env: parts.env.map(environmentVariable) }),
    image: parts.image,
    imagePullPolicy: 'IfNotPresent',
    name: parts.name,
    ...(hasPortNames ? { ports: [{ containerPort: parts.probes.port, name: 'probe-port', protocol: 'TCP' }] } : {}),
    ...probes(ctx, parts.probes, hasPortNames),
    resources: { requests: parts.requests },
    volumeMounts: mounts(volumes, parts.mountOrder),
  };
}

/** An empty value is a variable without a value: Go leaves it out. */
function environmentVariable(variable: EnvVar): Record<string, unknown> {
  return {
    name: variable.name,
    ...(variable.value === undefined || variable.value === '' ? {} : { value: variable.value }),
    ...(variable.valueFrom === undefined ? {} : { valueFrom: variable.valueFrom }),
  };
}

function mounts(volumes: readonly PodVolume[], order: readonly string[] | undefined): Record<string, unknown>[] {
  const ordered =
    order === undefined ? volumes : volumes.toSorted((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
  return ordered.map((volume) => ({
    mountPath: volume.mountPath,
    name: volume.name,
    ...(volume.isReadOnly ? { readOnly: true } : {}),
  }));
}

const probePeriodSeconds = 10;

/** Liveness tolerates 80 s; startup waits as long as the user's timeout for the component (spec 04 §3.2). */
function probes(ctx: PodContext, target: ProbeTarget, hasPortNames: boolean): Record<string, unknown> {
  const get = (path: string): Record<string, unknown> => ({
    httpGet: {
      ...(target.host === '' ? {} : { host: target.host }),
      path,
      port: hasPortNames ? 'probe-port' : target.port,
      scheme: target.scheme,
    },
    timeoutSeconds: 15,
  });
  const slow = { initialDelaySeconds: 10, periodSeconds: probePeriodSeconds };
  const startupFailures = Math.ceil(ctx.timeouts.controlPlaneComponentHealthCheck / probePeriodSeconds);
  return {
    livenessProbe: { ...get(target.liveness), ...slow, failureThreshold: 8 },
    ...(target.readiness === undefined
      ? {}
      : { readinessProbe: { ...get(target.readiness), periodSeconds: 1, failureThreshold: 3 } }),
    startupProbe: { ...get(target.startup), ...slow, failureThreshold: startupFailures },
  };
}
