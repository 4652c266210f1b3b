// The shape of a Kubernetes API object, as every renderer here returns it and every client takes it.

/** A Kubernetes API object as JSON. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly [key: string]: unknown;
}

/** metav1.ObjectMeta, as far as kbinit reads it. */
interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly [key: string]: unknown;
}
