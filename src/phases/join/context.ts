// What the phases of join share: what is wanted, and what discovery and earlier runs found.
import type { Api, ApiCredentials } from '../../cluster/types.ts';
import type { ClusterConfigMaps } from '../../config/from-cluster.ts';
import type { ClusterSpec, JoinSpec } from '../../config/spec.ts';
import type { HostView } from '../../host/host.ts';
import type { ControlPlaneContext, InitSettings, RunContext } from '../context.ts';
import type { JoinJournal } from './journal.ts';

export interface JoinContext extends RunContext {
  readonly spec: JoinSpec;
  readonly settings: JoinSettings;
  /** What an earlier join left on the host; see join/previous-run.ts. */
  earlier?: Promise<EarlierJoin>;
  /** What discovery found: how to talk to the cluster as a node to be. */
  discovered?: Promise<DiscoveredCluster>;
  /** What this run leaves for a later one; see join/journal.ts. */
  journal?: JoinJournal;
  /** This host as a control plane of that cluster; see join/control-plane.ts. */
  controlPlane?: Promise<ControlPlaneContext>;
}

/** Flags of `join` that are no part of the spec, and who this run is. */
export interface JoinSettings {
  readonly patches: InitSettings['patches'];
  /** The control plane that certificates are copied from (--copy-certs-from), connected to once. */
  readonly copyFrom?: () => Promise<HostView>;
  /** A node of this name that is not Ready may be deleted (--replace), by this client where joining may not. */
  readonly replace?: { readonly admin?: AdminOpener };
  /** Who takes a turn among joining control planes, and whether another of this machine is dead. */
  readonly runner: { readonly identity: string; readonly isDead: (identity: string) => boolean };
}

/** A client of the cluster's administrator. */
export type AdminOpener = () => Promise<Api>;

/** Where the cluster is, its CA, and who a node to be is there. */
export type FoundCluster = ApiCredentials & { readonly ca: string };

export interface DiscoveredCluster {
  readonly credentials: FoundCluster;
  readonly api: Api;
  readonly clusterName: string;
  /** What a kubelet's files are rendered from. */
  readonly cluster: Pick<ClusterSpec, 'version' | 'featureGates' | 'imageRepository' | 'kubelet'>;
  /** The texts that describe the whole cluster; a joining control plane reads them. */
  readonly configMaps?: ClusterConfigMaps;
  /** A dry run's: the cluster did not answer, these are defaults. */
  readonly isAssumed?: true;
}

export interface EarlierJoin {
  /** A join of the same cluster, node name and role began here. */
  readonly isSame: boolean;
  /** The kubelet has its own credentials for that cluster already. */
  readonly isJoined: boolean;
  /** What that join left; only where it is the same. */
  readonly journal?: JoinJournal;
}
