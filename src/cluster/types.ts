// The types of a cluster's API as phases see it; client.ts makes the real one, recording.ts the one of a dry run.

/** A Kubernetes API object as JSON. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly [key: string]: unknown;
  };
  readonly [key: string]: unknown;
}

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

/** Reads. Transport failures and 5xx are retried until `kubernetesAPICall` seconds have passed. */
export interface ApiView {
  /** The server's URL. */
  readonly server: string;
  get(ref: ObjectRef): Promise<KubeObject | undefined>;
  list(
    kind: { readonly apiVersion: string; readonly kind: string; readonly namespace?: string },
    selector?: { readonly labels?: string; readonly fields?: string },
  ): Promise<readonly KubeObject[]>;
  /** One request, no retry, any status: health endpoints and discovery. */
  raw(path: string, timeoutSeconds?: number): Promise<ApiAnswer>;
}

/** Reads and writes. */
export interface Api extends ApiView {
  /** Server-side apply: create, or make it so. */
  apply(object: KubeObject): Promise<ApplyOutcome>;
  /** Replace the whole object (kubeadm's create-or-update), for objects whose stale keys must go. */
  replace(object: KubeObject): Promise<ApplyOutcome>;
  patch(ref: ObjectRef, patch: Readonly<Record<string, unknown>>): Promise<KubeObject>;
  remove(ref: ObjectRef): Promise<boolean>;
  close(): void;
}
