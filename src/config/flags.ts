// What the command line may say about the configuration, by the camelCase names of kubeadm's flags, and what may stand beside --config.
import { KbError } from '../errors.ts';

/** Flags of `init` that are part of the configuration (spec 01 §3). A flag that was not given is absent or undefined. */
export interface InitFlags {
  readonly apiserverAdvertiseAddress?: string | undefined;
  readonly apiserverBindPort?: number | undefined;
  readonly apiserverCertExtraSans?: readonly string[] | undefined;
  /** `k=v,k=v` */
  readonly apiserverExtraArgs?: string | undefined;
  readonly certDir?: string | undefined;
  readonly certificateKey?: string | undefined;
  readonly controlPlaneEndpoint?: string | undefined;
  readonly controllerManagerExtraArgs?: string | undefined;
  readonly criSocket?: string | undefined;
  readonly dryRun?: boolean | undefined;
  /** `Gate=true,Other=false` */
  readonly featureGates?: string | undefined;
  readonly ignorePreflightErrors?: readonly string[] | undefined;
  readonly imageRepository?: string | undefined;
  readonly kubernetesVersion?: string | undefined;
  readonly nodeName?: string | undefined;
  readonly patches?: string | undefined;
  readonly podNetworkCidr?: string | undefined;
  readonly schedulerExtraArgs?: string | undefined;
  readonly serviceCidr?: string | undefined;
  readonly serviceDnsDomain?: string | undefined;
  readonly skipPhases?: readonly string[] | undefined;
  readonly token?: string | undefined;
  /** A Go duration; `0` never expires. */
  readonly tokenTtl?: string | undefined;
}

/** Flags of `join` that are part of the configuration, and its argument. */
export interface JoinFlags {
  /** The positional argument, host:port. Without it there is no token discovery (spec 01 §3). */
  readonly apiServerEndpoint?: string | undefined;
  readonly apiserverAdvertiseAddress?: string | undefined;
  readonly apiserverBindPort?: number | undefined;
  readonly certificateKey?: string | undefined;
  readonly controlPlane?: boolean | undefined;
  readonly criSocket?: string | undefined;
  readonly discoveryFile?: string | undefined;
  readonly discoveryToken?: string | undefined;
  readonly discoveryTokenCaCertHash?: readonly string[] | undefined;
  readonly discoveryTokenUnsafeSkipCaVerification?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
  readonly ignorePreflightErrors?: readonly string[] | undefined;
  readonly nodeName?: string | undefined;
  readonly patches?: string | undefined;
  readonly skipPhases?: readonly string[] | undefined;
  readonly tlsBootstrapToken?: string | undefined;
  /** Fills discoveryToken and tlsBootstrapToken where they are not given. */
  readonly token?: string | undefined;
}

/** Flags of `reset` that are part of the configuration. */
export interface ResetFlags {
  readonly certDir?: string | undefined;
  readonly cleanupTmpDir?: boolean | undefined;
  readonly criSocket?: string | undefined;
  readonly dryRun?: boolean | undefined;
  readonly force?: boolean | undefined;
  readonly ignorePreflightErrors?: readonly string[] | undefined;
  readonly skipPhases?: readonly string[] | undefined;
}

/** kubeadm 1.36's isAllowedFlag; flags that begin with `skip-` are allowed as well. */
const besideConfig: ReadonlySet<string> = new Set([
  'config',
  'ignore-preflight-errors',
  'dry-run',
  'kubeconfig',
  'node-name',
  'kubeconfig-dir',
  'upload-certs',
  'print-manifest',
  'allow-missing-template-keys',
  'output',
  'show-managed-fields',
  'print-join-command',
  'rootfs',
  'v',
  'log-file',
  'yes',
]);

/**
 * Refuse flags that cannot stand beside --config. Call it only when --config was given.
 * @param changedFlags names as typed, without dashes at the front: `pod-network-cidr`
 * @param ownFlags kbinit's own flags, which are no part of the configuration
 * @throws KbError KB_CONFIG
 */
export function assertNotMixed(changedFlags: readonly string[], ownFlags: readonly string[] = []): void {
  const mixed = changedFlags.filter(
    (flag) => !besideConfig.has(flag) && !flag.startsWith('skip-') && !ownFlags.includes(flag),
  );
  if (mixed.length === 0) return;
  throw new KbError({
    code: 'KB_CONFIG',
    summary: "can not mix '--config' with arguments",
    detail: `can not mix '--config' with arguments [${mixed.join(' ')}]`,
    fix: `set what ${mixed.map((flag) => `--${flag}`).join(', ')} would set in the configuration file`,
  });
}
