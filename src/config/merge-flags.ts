// Flags laid over a draft: what was given on the command line wins over what was there (spec 01 §1).
import { featureGates } from '../kube/feature-gates.ts';
import { newestVersion } from '../kube/releases.ts';
import { formatVersion, type KubeVersion } from '../kube/version.ts';
import { parseDuration } from '../util/duration.ts';
import { defaultToken } from './defaults.ts';
import type { InitDraft, JoinDraft, NodeDraft, ResetSpec } from './draft.ts';
import type { InitFlags, JoinFlags, ResetFlags } from './flags.ts';
import type { Report } from './report.ts';
import type { Arg, ControlPlaneComponent } from './spec.ts';
import { cleanFolder, plainFolder } from './syntax.ts';
import { readVersion, type VersionLabels } from './version.ts';

interface NodeFlags {
  readonly nodeName?: string | undefined;
  readonly criSocket?: string | undefined;
  readonly ignorePreflightErrors?: readonly string[] | undefined;
}

function mergeNode(node: NodeDraft, flags: NodeFlags): NodeDraft {
  return {
    ...node,
    // A name from the command line is taken as it is, as kubeadm does; validation refuses upper case.
    name: flags.nodeName?.trim() || node.name,
    criSocket: flags.criSocket || node.criSocket,
    ignorePreflightErrors: ignored(node.ignorePreflightErrors, flags.ignorePreflightErrors),
  };
}

/** Both lists as they are written: case does not count where they are used, and `config migrate` keeps it. */
function ignored(config: readonly string[], flags: readonly string[] = []): readonly string[] {
  const has = (name: string): boolean => config.some((one) => one.toLowerCase() === name.toLowerCase());
  return [...config, ...flags.filter((name) => !has(name))];
}

/** `--skip-phases` replaces the list of the file when it has anything in it. */
function skipped(config: readonly string[], flags: readonly string[] = []): readonly string[] {
  return flags.length > 0 ? flags : config;
}

function readGates(text: string, version: KubeVersion, report: Report): Record<string, boolean> {
  const known = featureGates(version);
  const read: Record<string, boolean> = {};
  for (const part of text.split(',').filter((item) => item !== '')) {
    const [name = '', value] = part.split('=', 2).map((side) => side.trim());
    const gate = known.find((candidate) => candidate.name === name);
    const names = known.map((candidate) => candidate.name).join(', ');
    if (gate === undefined) {
      report.refuseAll(
        `--feature-gates: ${name} is not a feature gate of ${formatVersion(version)}`,
        `use one of ${names}`,
      );
    } else if (value !== 'true' && value !== 'false') {
      report.refuseAll(`--feature-gates: ${name} needs true or false`, `write ${name}=true or ${name}=false`);
    } else {
      read[name] = value === 'true';
    }
  }
  return read;
}

/** `a=1,b=2`; each part has exactly one `=`. */
function readArgs(flag: string, text: string, report: Report): readonly Arg[] {
  const args: Arg[] = [];
  for (const part of text.split(',').filter((item) => item !== '')) {
    const [name = '', value, ...more] = part.split('=');
    if (name === '' || value === undefined || more.length > 0) {
      report.refuseAll(`--${flag}: ${JSON.stringify(part)} is not name=value`, 'write name=value,name=value');
    } else args.push({ name, value });
  }
  return args;
}

function withArgs<C extends ControlPlaneComponent>(
  component: C,
  flag: string,
  text: string | undefined,
  report: Report,
): C {
  if (text === undefined) return component;
  return { ...component, extraArgs: [...component.extraArgs, ...readArgs(flag, text, report)] };
}

function mergeVersion(
  version: KubeVersion | undefined,
  text: string | undefined,
  labels: VersionLabels,
  report: Report,
): KubeVersion | undefined {
  if (text === undefined || text === '') return version;
  const read = readVersion(text, labels);
  if ('major' in read) return read;
  report.refuseAll(`--kubernetes-version: ${read.message}`, read.fix);
  return version;
}

function mergeCluster(
  draft: InitDraft['cluster'],
  flags: InitFlags,
  labels: VersionLabels,
  report: Report,
): InitDraft['cluster'] {
  const version = mergeVersion(draft.version, flags.kubernetesVersion, labels, report);
  const gates = readGates(flags.featureGates ?? '', version ?? newestVersion(), report);
  const { networking, apiServer } = draft;
  const { serviceCidr, podNetworkCidr, serviceDnsDomain, apiserverCertExtraSans, controlPlaneEndpoint } = flags;
  return {
    ...draft,
    version,
    networking: {
      serviceSubnet: serviceCidr || networking.serviceSubnet,
      podSubnet: podNetworkCidr || networking.podSubnet,
      dnsDomain: serviceDnsDomain || networking.dnsDomain,
    },
    ...(controlPlaneEndpoint ? { controlPlaneEndpoint } : {}),
    apiServer: {
      ...withArgs(apiServer, 'apiserver-extra-args', flags.apiserverExtraArgs, report),
      certSANs: apiserverCertExtraSans ?? apiServer.certSANs,
    },
    controllerManager: withArgs(
      draft.controllerManager,
      'controller-manager-extra-args',
      flags.controllerManagerExtraArgs,
      report,
    ),
    scheduler: withArgs(draft.scheduler, 'scheduler-extra-args', flags.schedulerExtraArgs, report),
    certificatesDir: plainFolder(flags.certDir || draft.certificatesDir),
    imageRepository: flags.imageRepository || draft.imageRepository,
    featureGates: { ...draft.featureGates, ...gates },
  };
}

function mergeTokens(draft: InitDraft, flags: InitFlags, report: Report): InitDraft['bootstrapTokens'] {
  const ttlSeconds = flags.tokenTtl === undefined ? defaultToken.ttlSeconds : parseDuration(flags.tokenTtl);
  if (ttlSeconds === undefined) {
    report.refuseAll(`--token-ttl: ${JSON.stringify(flags.tokenTtl)} is not a duration`, 'write it like 24h0m0s, or 0');
  }
  if (flags.token === undefined && flags.tokenTtl === undefined) return draft.bootstrapTokens;
  const token = flags.token || undefined;
  return [{ ...defaultToken, ...draft.bootstrapTokens[0], token, ttlSeconds: ttlSeconds ?? 0 }];
}

/** `init`'s flags over what was read. */
export function mergeInitFlags(draft: InitDraft, flags: InitFlags, labels: VersionLabels, report: Report): InitDraft {
  return {
    ...draft,
    cluster: mergeCluster(draft.cluster, flags, labels, report),
    node: mergeNode(draft.node, flags),
    localAPIEndpoint: {
      advertiseAddress: flags.apiserverAdvertiseAddress || draft.localAPIEndpoint.advertiseAddress,
      bindPort: flags.apiserverBindPort ?? draft.localAPIEndpoint.bindPort,
    },
    bootstrapTokens: mergeTokens(draft, flags, report),
    ...(flags.certificateKey ? { certificateKey: flags.certificateKey } : {}),
    ...(flags.patches ? { patchesDirectory: flags.patches } : {}),
    skipPhases: skipped(draft.skipPhases, flags.skipPhases),
    isDryRun: flags.dryRun ?? draft.isDryRun,
  };
}

/** `join`'s flags over what a file said; discovery and role are not among them (they cannot stand beside --config). */
export function mergeJoinFlags(draft: JoinDraft, flags: JoinFlags): JoinDraft {
  return {
    ...draft,
    node: mergeNode(draft.node, flags),
    ...(flags.patches ? { patchesDirectory: flags.patches } : {}),
    skipPhases: skipped(draft.skipPhases, flags.skipPhases),
    isDryRun: flags.dryRun ?? draft.isDryRun,
  };
}

/** `reset`'s flags over what was read. */
export function mergeResetFlags(draft: ResetSpec, flags: ResetFlags): ResetSpec {
  return {
    ...draft,
    certificatesDir: cleanFolder(flags.certDir || draft.certificatesDir),
    criSocket: flags.criSocket || draft.criSocket,
    cleanupTmpDir: flags.cleanupTmpDir ?? draft.cleanupTmpDir,
    isForced: flags.force ?? draft.isForced,
    ignorePreflightErrors: ignored(draft.ignorePreflightErrors, flags.ignorePreflightErrors),
    skipPhases: skipped(draft.skipPhases, flags.skipPhases),
    isDryRun: flags.dryRun ?? draft.isDryRun,
  };
}
