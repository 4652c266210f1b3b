// Schemas of the parts that kubeadm's API versions share, and the small rules of Go's decoder behind them.
import * as z from 'zod';
import { defaultNode, defaultTimeouts, defaultToken, defaults } from '../defaults.ts';
import type { NodeDraft, TokenDraft } from '../draft.ts';
import type { Arg, EnvVar, HostPathMount, Taint, Timeouts } from '../spec.ts';
import { parseDuration } from '../../util/duration.ts';

/** A schema for a known output. */
type Schema<T> = z.ZodType<T>;

/** Text that may be missing; Go does not tell it from ''. */
export const text: z.ZodExactOptional<z.ZodString> = z.string().exactOptional();
export const flag: z.ZodExactOptional<z.ZodBoolean> = z.boolean().exactOptional();
export const texts: z.ZodExactOptional<z.ZodArray<z.ZodString>> = z.array(z.string()).exactOptional();
export const gates: z.ZodExactOptional<z.ZodRecord<z.ZodString, z.ZodBoolean>> = z
  .record(z.string(), z.boolean())
  .exactOptional();

/** int32; Go has no decimals here and refuses what does not fit. */
export const int32: Schema<number> = z
  .int()
  .min(-(2 ** 31))
  .max(2 ** 31 - 1);

/** Seconds of a Go duration. */
export const duration: Schema<number> = z.string().transform((value, context) => {
  const seconds = parseDuration(value);
  if (seconds !== undefined) return seconds;
  const message = `${JSON.stringify(value)} is not a duration`;
  context.addIssue({ code: 'custom', message, params: { fix: 'write it like 24h0m0s, 90s or 0s' } });
  return z.NEVER;
});

export const imagePullPolicy: z.ZodExactOptional<
  z.ZodEnum<{ Always: 'Always'; IfNotPresent: 'IfNotPresent'; Never: 'Never'; '': '' }>
> = z.enum(['Always', 'IfNotPresent', 'Never', '']).exactOptional();

export const taints: Schema<Taint[]> = z.array(
  z.strictObject({
    key: z.string().default(''),
    value: text,
    effect: z.string().default(''),
    timeAdded: text,
  }),
);

/** v1beta4's arguments: a list, in which order and duplicates matter. */
export const argList: Schema<Arg[]> = z.array(
  z.strictObject({ name: z.string().default(''), value: z.string().default('') }),
);

/** v1beta3's arguments: a mapping, which becomes a list in the order of its names. */
export const argMap: Schema<Arg[]> = z.record(z.string(), z.string()).transform((args) =>
  Object.keys(args)
    .toSorted()
    .map((name) => ({ name, value: args[name] ?? '' })),
);

export const volumes: Schema<HostPathMount[]> = z.array(
  z.strictObject({
    name: z.string().default(''),
    hostPath: z.string().default(''),
    mountPath: z.string().default(''),
    readOnly: flag,
    pathType: text,
  }),
);

const keyRef = z.strictObject({ name: text, key: z.string(), optional: flag }).exactOptional();

/** core/v1 EnvVarSource. */
const envSource = z.strictObject({
  fieldRef: z.strictObject({ apiVersion: z.string().default('v1'), fieldPath: z.string() }).exactOptional(),
  resourceFieldRef: z
    .strictObject({
      containerName: text,
      resource: z.string(),
      divisor: z.union([z.string(), z.number()]).exactOptional(),
    })
    .exactOptional(),
  configMapKeyRef: keyRef,
  secretKeyRef: keyRef,
  fileKeyRef: z
    .strictObject({ volumeName: z.string(), path: z.string(), key: z.string(), optional: flag })
    .exactOptional(),
});

export const envs: Schema<EnvVar[]> = z.array(
  z.strictObject({ name: z.string().default(''), value: text, valueFrom: envSource.exactOptional() }),
);

export const patches: Schema<{ directory?: string }> = z.strictObject({ directory: text });

export const endpoint: Schema<{ advertiseAddress?: string; bindPort?: number }> = z.strictObject({
  advertiseAddress: text,
  bindPort: int32.exactOptional(),
});

/** One bootstrapTokens entry. */
export const bootstrapToken: Schema<TokenDraft> = z
  .strictObject({
    token: text,
    description: text,
    ttl: duration.exactOptional(),
    expires: z.iso.datetime({ offset: true, message: 'is not an RFC 3339 time' }).exactOptional(),
    usages: texts,
    groups: texts,
  })
  .refine(({ token }) => token !== '', {
    path: ['token'],
    message: 'the token is empty',
    params: { fix: 'leave the field out to get a random one' },
  })
  .refine((token) => token.ttl === undefined || token.expires === undefined, {
    message: 'ttl and expires are mutually exclusive',
    params: { fix: 'keep one of them' },
  })
  .transform((token) => ({
    token: orAbsent(token.token),
    ...(token.description === undefined ? {} : { description: token.description }),
    ttlSeconds: token.ttl ?? defaultToken.ttlSeconds,
    ...(token.expires === undefined ? {} : { expires: token.expires }),
    usages: orDefault(token.usages, defaultToken.usages),
    groups: orDefault(token.groups, defaultToken.groups),
  }));

export const timeouts: Schema<Timeouts> = z
  .strictObject({
    controlPlaneComponentHealthCheck: duration.exactOptional(),
    kubeletHealthCheck: duration.exactOptional(),
    kubernetesAPICall: duration.exactOptional(),
    etcdAPICall: duration.exactOptional(),
    tlsBootstrap: duration.exactOptional(),
    discovery: duration.exactOptional(),
    upgradeManifests: duration.exactOptional(),
  })
  .transform((given) => ({ ...defaultTimeouts, ...given }));

/** Text, or undefined where Go would see ''. */
export function orAbsent(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}

/** A list, or the default where Go would see an empty one. */
export function orDefault<T>(value: readonly T[] | undefined, fallback: readonly T[]): readonly T[] {
  return value === undefined || value.length === 0 ? fallback : value;
}

/** nodeRegistration after its schema. */
export interface NodeDocument {
  readonly name?: string;
  readonly criSocket?: string;
  readonly taints?: Taint[];
  readonly kubeletExtraArgs?: Arg[];
  readonly ignorePreflightErrors?: string[];
  readonly imagePullPolicy?: 'Always' | 'IfNotPresent' | 'Never' | '';
  readonly imagePullSerial?: boolean;
}

/** nodeRegistration with its defaults; a name from a file is trimmed and lower-cased (spec 02 §5). */
export function nodeDraft(node: NodeDocument | undefined): NodeDraft {
  return {
    name: orAbsent(node?.name?.trim().toLowerCase()),
    criSocket: orAbsent(node?.criSocket),
    taints: node?.taints,
    kubeletExtraArgs: node?.kubeletExtraArgs ?? defaultNode.kubeletExtraArgs,
    ignorePreflightErrors: node?.ignorePreflightErrors ?? defaultNode.ignorePreflightErrors,
    imagePullPolicy: node?.imagePullPolicy || defaultNode.imagePullPolicy,
    imagePullSerial: node?.imagePullSerial ?? defaultNode.imagePullSerial,
  };
}

/** localAPIEndpoint with its defaults; port 0 is the default port, as in Go. */
export function endpointDraft(given: { advertiseAddress?: string; bindPort?: number } | undefined): {
  readonly advertiseAddress: string | undefined;
  readonly bindPort: number;
} {
  return { advertiseAddress: orAbsent(given?.advertiseAddress), bindPort: given?.bindPort || defaults.bindPort };
}
