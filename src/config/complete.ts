// A draft and a host's facts make a complete, valid spec: nothing is left to be detected, or everything wrong is said at once.
import { KbError, type Problem } from '../errors.ts';
import type { HostFacts } from '../host/host.ts';
import { newestVersion } from '../kube/releases.ts';
import { joinHostPort } from '../util/net.ts';
import { randomToken, type RandomSource } from '../util/keygen.ts';
import { advertiseAddress, criSocket, nodeName, type Detected } from './detect.ts';
import type {
  ClusterDraft,
  ConfigWarning,
  EndpointDraft,
  InitDraft,
  JoinDraft,
  NodeDraft,
  ResetSpec,
} from './draft.ts';
import { completeKubeProxy } from './kube-proxy.ts';
import { completeKubelet } from './kubelet.ts';
import type { Problems } from './problems.ts';
import type { ApiEndpoint, BootstrapToken, ClusterSpec, InitSpec, JoinSpec, NodeRegistration, Taint } from './spec.ts';
import { parseHostPort } from './syntax.ts';
import { validateInit, validateJoin, validateReset } from './validate.ts';

/** What the host cannot say about itself. */
export interface CompleteOptions {
  /** The address kbinit reached the host at; used when the host has no default route. */
  readonly reachedAddress?: string | undefined;
}

/** A complete configuration, and what the user should know about it. */
export interface Completed<T> {
  readonly spec: T;
  readonly warnings: readonly ConfigWarning[];
}

/** kubeadm's taint of control planes (constants.ControlPlaneTaint). */
const controlPlaneTaint: Taint = { key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' };

/** Collects what detection finds; a problem leaves a placeholder that passes validation, so that it is told once. */
class Detection {
  readonly problems: Problem[] = [];
  readonly warnings: ConfigWarning[] = [];
  readonly #facts: HostFacts;
  readonly #reached: string | undefined;

  constructor(facts: HostFacts, options: CompleteOptions) {
    this.#facts = facts;
    this.#reached = options.reachedAddress;
  }

  node(draft: NodeDraft, isControlPlane: boolean): NodeRegistration {
    return {
      ...draft,
      name: nodeName(draft.name, this.#facts),
      criSocket: this.#take(criSocket(draft.criSocket, this.#facts), 'unix:///unknown'),
      taints: draft.taints ?? (isControlPlane ? [controlPlaneTaint] : undefined),
    };
  }

  endpoint(draft: EndpointDraft, path: string): ApiEndpoint {
    const found = advertiseAddress(draft.advertiseAddress, `${path}.advertiseAddress`, this.#facts, this.#reached);
    return { bindPort: draft.bindPort, advertiseAddress: this.#take(found, '127.0.0.1') };
  }

  /** @throws KbError with what detection and validation found */
  finish<T>(spec: T, validated: Problems): Completed<T> {
    const problems = [...this.problems, ...validated.list];
    if (problems.length > 0) throw new KbError(problems);
    return { spec, warnings: [...this.warnings, ...validated.warnings] };
  }

  #take(found: Detected, placeholder: string): string {
    if ('problem' in found) {
      this.problems.push(found.problem);
      return placeholder;
    }
    if (found.warning !== undefined) this.warnings.push({ message: found.warning, isStrict: false });
    return found.value;
  }
}

function withPort(endpoint: string | undefined, bindPort: number): { readonly controlPlaneEndpoint?: string } {
  if (endpoint === undefined) return {};
  const read = parseHostPort(endpoint);
  const isComplete = read === undefined || read.port !== undefined;
  return { controlPlaneEndpoint: isComplete ? endpoint : joinHostPort(read.host, bindPort) };
}

function completeCluster(
  draft: ClusterDraft,
  endpoint: ApiEndpoint,
  facts: HostFacts,
): { readonly cluster: ClusterSpec; readonly warnings: readonly ConfigWarning[] } {
  const version = draft.version ?? newestVersion();
  const { networking, certificatesDir } = draft;
  const { isResolvedActive } = facts;
  const kubelet = completeKubelet(draft.kubelet, { version, networking, certificatesDir, isResolvedActive });
  const { advertiseAddress: address } = endpoint;
  const proxy = completeKubeProxy(draft.kubeProxy, {
    version,
    podSubnet: networking.podSubnet,
    advertiseAddress: address,
  });
  const cluster: ClusterSpec = {
    ...draft,
    version,
    ...withPort(draft.controlPlaneEndpoint, endpoint.bindPort),
    apiServer: { ...draft.apiServer, certSANs: draft.apiServer.certSANs.map((name) => name.toLowerCase()) },
    kubelet: kubelet.config,
    kubeProxy: proxy.config,
  };
  return { cluster, warnings: [...kubelet.warnings, ...proxy.warnings] };
}

/** Addresses on the interfaces that carry the default route: Pod networks of an earlier run are not among them. */
function routedAddresses(facts: HostFacts): readonly string[] {
  const interfaces = new Set(facts.defaultRoutes.map((route) => route.interface));
  return facts.addresses.filter((address) => interfaces.has(address.interface)).map((address) => address.address);
}

/**
 * Everything `init` needs, from the draft and the facts of the host it is for.
 * @throws KbError KB_CONFIG, KB_NO_ADDRESS, KB_CRI_SOCKET: every problem at once
 */
export function completeInit(
  draft: InitDraft,
  facts: HostFacts,
  chance: Pick<RandomSource, 'tokenCharacters'>,
  options: CompleteOptions = {},
): Completed<InitSpec> {
  const detection = new Detection(facts, options);
  const localAPIEndpoint = detection.endpoint(draft.localAPIEndpoint, 'localAPIEndpoint');
  const { cluster, warnings } = completeCluster(draft.cluster, localAPIEndpoint, facts);
  const bootstrapTokens = draft.bootstrapTokens.map((token): BootstrapToken => ({
    ...token,
    ...(token.token === undefined ? generatedToken(chance) : { token: token.token }),
  }));
  const spec = { ...draft, cluster, node: detection.node(draft.node, true), localAPIEndpoint, bootstrapTokens };
  detection.warnings.push(...warnings);
  return detection.finish(spec, validateInit(spec, routedAddresses(facts)));
}

/**
 * Everything `join` needs, from the draft and the facts of the joining host.
 * @throws KbError KB_CONFIG, KB_NO_ADDRESS, KB_CRI_SOCKET: every problem at once
 */
export function completeJoin(draft: JoinDraft, facts: HostFacts, options: CompleteOptions = {}): Completed<JoinSpec> {
  const detection = new Detection(facts, options);
  const { controlPlane, ...rest } = draft;
  const spec: JoinSpec = {
    ...rest,
    node: detection.node(draft.node, controlPlane !== undefined),
    ...(controlPlane && {
      controlPlane: {
        ...controlPlane,
        localAPIEndpoint: detection.endpoint(controlPlane.localAPIEndpoint, 'controlPlane.localAPIEndpoint'),
      },
    }),
  };
  return detection.finish(spec, validateJoin(spec));
}

/**
 * Everything `reset` needs. The runtime is detected when none is named.
 * @throws KbError KB_CONFIG, KB_CRI_SOCKET: every problem at once
 */
export function completeReset(
  draft: ResetSpec,
  facts: HostFacts,
): Completed<ResetSpec & { readonly criSocket: string }> {
  const found = criSocket(draft.criSocket, facts);
  const validated = validateReset({ ...draft, criSocket: 'value' in found ? found.value : undefined });
  const problems = [...('problem' in found ? [found.problem] : []), ...validated.list];
  if ('problem' in found || problems.length > 0) throw new KbError(problems);
  const warnings = found.warning === undefined ? [] : [{ message: found.warning, isStrict: false }];
  return { spec: { ...draft, criSocket: found.value }, warnings };
}

/** A token that no one has chosen. */
function generatedToken(chance: Pick<RandomSource, 'tokenCharacters'>): Pick<BootstrapToken, 'token' | 'isGenerated'> {
  return { token: randomToken(chance), isGenerated: true };
}
