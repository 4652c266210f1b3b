// A configuration that has been read but not completed: with every static default, without what only the target host can tell.
import type {
  ApiEndpoint,
  BootstrapToken,
  ClusterSpec,
  ImagePullPolicy,
  InitSpec,
  JoinSpec,
  NodeRegistration,
  Timeouts,
} from './spec.ts';
import type { KubeVersion } from '../kube/version.ts';

/** A KubeletConfiguration or KubeProxyConfiguration as the user wrote it, types checked. */
export type ComponentDocument = Readonly<Record<string, unknown>>;

/** undefined = to be detected, or the newest known version. */
export interface ClusterDraft extends Omit<ClusterSpec, 'version' | 'kubelet' | 'kubeProxy'> {
  readonly version: KubeVersion | undefined;
  readonly kubelet: ComponentDocument | undefined;
  readonly kubeProxy: ComponentDocument | undefined;
}

export interface NodeDraft extends Omit<NodeRegistration, 'name' | 'criSocket'> {
  /** undefined = the host's name. */
  readonly name: string | undefined;
  /** undefined = the one container runtime the host has. */
  readonly criSocket: string | undefined;
}

export interface EndpointDraft extends Omit<ApiEndpoint, 'advertiseAddress'> {
  /** undefined = the address of the default route. */
  readonly advertiseAddress: string | undefined;
}

export interface TokenDraft extends Omit<BootstrapToken, 'token'> {
  /** undefined = a random one. */
  readonly token: string | undefined;
}

export interface InitDraft extends Omit<InitSpec, 'cluster' | 'node' | 'localAPIEndpoint' | 'bootstrapTokens'> {
  readonly cluster: ClusterDraft;
  readonly node: NodeDraft;
  readonly localAPIEndpoint: EndpointDraft;
  readonly bootstrapTokens: readonly TokenDraft[];
}

export interface JoinDraft extends Omit<JoinSpec, 'node' | 'controlPlane'> {
  readonly node: NodeDraft;
  readonly controlPlane?: { readonly localAPIEndpoint: EndpointDraft; readonly certificateKey?: string };
}

/** Everything `reset` needs. */
export interface ResetSpec {
  readonly certificatesDir: string;
  /** undefined = the one container runtime the host has. */
  readonly criSocket: string | undefined;
  readonly cleanupTmpDir: boolean;
  readonly isForced: boolean;
  readonly ignorePreflightErrors: readonly string[];
  readonly skipPhases: readonly string[];
  readonly unmountFlags: readonly string[];
  readonly timeouts: Timeouts;
  readonly isDryRun: boolean;
}

/** Options that several parts of an UpgradeConfiguration share. */
interface UpgradeCommon {
  readonly ignorePreflightErrors: readonly string[];
  readonly etcdUpgrade: boolean;
  /** Not a claim of ours: kubeadm tells "not set" from false when it writes the document. */
  readonly isDryRun: boolean | undefined;
}

interface UpgradeImages {
  readonly certificateRenewal: boolean;
  readonly patchesDirectory?: string;
  readonly skipPhases: readonly string[];
  readonly imagePullPolicy: ImagePullPolicy;
  readonly imagePullSerial: boolean;
}

interface UpgradeChoice {
  /** As written; undefined = to be named on the command line. */
  readonly kubernetesVersion: string | undefined;
  readonly allowExperimentalUpgrades: boolean | undefined;
  readonly allowRCUpgrades: boolean | undefined;
  readonly printConfig: boolean | undefined;
}

/** Everything `upgrade` may be told by a file (v1beta4 UpgradeConfiguration). */
export interface UpgradeSpec {
  readonly apply: UpgradeCommon & UpgradeImages & UpgradeChoice & { readonly forceUpgrade: boolean | undefined };
  readonly diff: { readonly kubernetesVersion: string | undefined; readonly contextLines: number };
  readonly node: UpgradeCommon & UpgradeImages;
  readonly plan: UpgradeCommon & UpgradeChoice;
  readonly timeouts: Timeouts;
}

/** Something the user should know about the configuration, which does not stop the run. */
export interface ConfigWarning {
  /** A sentence without a full stop. */
  readonly message: string;
  /** Where: the file's name, the line, the YAML path; absent for what is not in a file. */
  readonly source?: string;
  readonly line?: number;
  readonly path?: string;
  /** True when `config validate` and `config migrate` refuse it: unknown fields, wrong case, duplicates. */
  readonly isStrict: boolean;
  /** True for an API version that will go away: `--allow-deprecated-api` wants to hear nothing of it. */
  readonly isDeprecation?: true;
  /** What to do about it, where it is refused. */
  readonly fix?: string;
}
