// The types of a cluster's API as phases see it; client.ts makes the real one, recording.ts the one of a dry run.
import type { KubeObject } from '../manifests/object.ts';

export type { KubeObject } from '../manifests/object.ts';

/** Which object: enough to build its URL. */
export interface ObjectRef {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
}

export type ApplyOutcome = 'created' | 'updated' | 'unchanged';

export interface ApiAnswer {
  readonly status: number;
  readonly body: string;
}

export interface RemoveOptions {
  readonly graceSeconds?: number;
  /** Only this very object, not another that got its name. */
  readonly uid?: string;
}

/** A Pod, and not the next one of its name. */
export interface PodRef {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

export type Eviction =
  { readonly kind: 'accepted' } | { readonly kind: 'gone' } | { readonly kind: 'refused'; readonly reason: string };

/** Reads and writes. Transport failures and answers worth a second try are retried for `kubernetesAPICall` seconds. */
export interface Api {
  /** The server's URL. */
  readonly server: string;
  get(ref: ObjectRef): Promise<KubeObject | undefined>;
  list(
    kind: Omit<ObjectRef, 'name'>,
    selector?: { readonly labels?: string; readonly fields?: string },
  ): Promise<readonly KubeObject[]>;
  /** One GET, no retry, any status: health endpoints and discovery. */
  raw(path: string, timeoutSeconds?: number): Promise<ApiAnswer>;
  /** Create, or replace what differs (kubeadm's create-or-update); what is right already is not written. */
  apply(object: KubeObject): Promise<{ readonly outcome: ApplyOutcome; readonly object: KubeObject }>;
  /** Create; undefined when there is one of this name already. */
  create(object: KubeObject): Promise<KubeObject | undefined>;
  /** Replace the version of the object that was read; undefined when somebody else has changed or removed it since. */
  replace(object: KubeObject): Promise<KubeObject | undefined>;
  /** Strategic merge patch. */
  patch(ref: ObjectRef, patch: Readonly<Record<string, unknown>>): Promise<KubeObject>;
  /** False when there was nothing to remove. `graceSeconds: 0` does not wait for the kubelet of a Pod. */
  remove(ref: ObjectRef, options?: RemoveOptions): Promise<boolean>;
  /** Ask once for a Pod to be evicted, which a PodDisruptionBudget may refuse for now. */
  evict(pod: PodRef): Promise<Eviction>;
  close(): void;
}

/** How to reach a server and who to be there. */
export interface ApiCredentials {
  /** https://host:port */
  readonly server: string;
  /** PEM; undefined = do not verify (discovery without a pin). */
  readonly ca?: string;
  readonly clientCert?: string;
  readonly clientKey?: string;
  readonly token?: string;
}

/** Opens clients over the host's own connection. A dry run has one that records. */
export interface ApiOpener {
  open(credentials: ApiCredentials, options?: { readonly callSeconds?: number }): Api;
}

/** One member as etcd lists it. IDs are 64-bit numbers in decimal text, as the gateway prints them. */
export interface EtcdMember {
  readonly id: string;
  /** '' until the member has started. */
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
  readonly isLearner: boolean;
}

/** What one member says of itself. Numbers of 64 bits are decimal text. */
export interface EtcdStatus {
  readonly memberId: string;
  readonly version: string;
  readonly dbSizeBytes: number;
  /** '0' = it knows no leader. */
  readonly leaderId: string;
  readonly isLearner: boolean;
  readonly raftTerm: string;
  readonly raftIndex: string;
  readonly raftAppliedIndex: string;
  /** Alarms and the like; empty in a healthy member. */
  readonly errors: readonly string[];
}

/** An etcd cluster as seen from a host. Every method throws an Error with etcd's words; waiting is the caller's. */
export interface EtcdApi {
  members(): Promise<readonly EtcdMember[]>;
  /** Add a learner, or find the member that has this peer URL already. */
  addLearner(peerUrl: string): Promise<EtcdMember>;
  /** Make a learner vote; done already is done. */
  promote(id: string): Promise<void>;
  remove(id: string): Promise<void>;
  /** Ask one endpoint (`https://host:port`), whichever the others are; `callSeconds` where it may not be up yet. */
  status(endpoint: string, callSeconds?: number): Promise<EtcdStatus>;
}

export interface EtcdCredentials {
  /** `https://host:port`, tried in this order. */
  readonly endpoints: readonly string[];
  /** PEM texts; left out for an etcd of others' that asks for none. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** Opens etcd clients over the host's own connection. A dry run's plans the changes. */
export interface EtcdOpener {
  open(credentials: EtcdCredentials): EtcdApi;
}
