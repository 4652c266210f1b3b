// What the phases of one run share: what is wanted, where, and the few things one phase finds and a later one needs.
import type { Api, ApiOpener, EtcdOpener } from '../cluster/types.ts';
import type { InitSpec } from '../config/spec.ts';
import { interrupted } from '../errors.ts';
import type { Host } from '../host/host.ts';
import type { FlannelBackend } from '../manifests/flannel.ts';
import type { CheckResult } from '../preflight/check.ts';
import type { Reporter } from '../report/events.ts';
import type { RandomSource, Clock } from '../util/keygen.ts';
import type { UntilOptions } from '../util/until.ts';

/** Whoever runs kbinit, where that is not on the host itself: how commands reach hosts from there. */
export interface Operator {
  /** This host as it was typed: `root@192.168.3.29`. */
  readonly host: string;
  /** `--host … --identity-file …`: to this host, or to another one of that name with the same login. */
  readonly over: (other?: string) => string;
  /** A kbinit command with these flags, where it takes them. */
  readonly command: (text: string) => string;
}

/** What every workflow has. */
export interface RunContext {
  readonly host: Host;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
  readonly chance: RandomSource;
  readonly clock: Clock;
  /** One time for the whole run: certificates are valid from five minutes before it (kubeadm 1.31). */
  readonly startedAt: Date;
  readonly apis: ApiOpener;
  readonly etcds: EtcdOpener;
  /** Lower case, from flags and config; `all` is alone. */
  readonly ignorePreflightErrors: ReadonlySet<string>;
  /** The command that goes on after a stop, without secrets: `kbinit init --host root@192.168.3.29 …`. */
  readonly resumeCommand: string;
  /** Missing where kbinit runs on the host. */
  readonly operator?: Operator;
  /** Writes to stdout: results only. */
  readonly print: (text: string) => void;
  /** Gets what became of every preflight check, where the user wants to see that. */
  readonly onChecked?: (results: readonly CheckResult[]) => void;
}

/** Flags of `init` that are no part of the spec. */
export interface InitSettings {
  /** One phase was asked for by its name: what it prints is what the user wants. */
  readonly isPhaseAlone?: true;
  readonly uploadCerts: boolean;
  readonly skipTokenPrint: boolean;
  readonly skipCertificateKeyPrint: boolean;
  readonly printManifest: boolean;
  /** Of the phases that talk to the API server. */
  readonly kubeconfig: string;
  /** Where the phase `kubeconfig` writes. */
  readonly kubeconfigDir: string;
  /** Texts of the files under the patches directory on the host, by path. */
  readonly patches: readonly { readonly path: string; readonly text: string }[];
  readonly cni?: 'flannel';
  readonly flannelBackend: FlannelBackend;
}

/** A host that is a control plane when the run has ended: the first of its cluster, or one that joins. */
export interface ControlPlaneContext extends RunContext {
  readonly spec: Pick<InitSpec, 'cluster' | 'node' | 'localAPIEndpoint' | 'timeouts' | 'isDryRun'>;
  readonly settings: Pick<InitSettings, 'patches' | 'kubeconfigDir'>;
  /** Files of an earlier run on this host, read once; see init/existing.ts. */
  existing?: Promise<ReadonlyMap<string, string>>;
}

export interface InitContext extends ControlPlaneContext {
  readonly spec: InitSpec;
  readonly settings: InitSettings;
  /** The client of the admin, bootstrapped once; see init/admin.ts. */
  admin?: Promise<Api>;
  /** Whether the cluster of an earlier, unfinished init serves; asked once, see init/serving.ts. */
  isServing?: Promise<boolean>;
  /** True when the files of `kubelet-start` are what they were and the kubelet runs. */
  isKubeletUnchanged?: boolean;
  /** What show-join prints. */
  tokens: readonly string[];
  certificateKey?: string;
}

/** Tell a sentence of progress. */
export function step(ctx: RunContext, phase: string, text: string): void {
  ctx.reporter.emit({ kind: 'step', host: ctx.host.name, phase, text });
}

export function warn(ctx: RunContext, phase: string, text: string, name?: string): void {
  ctx.reporter.emit({ kind: 'warning', host: ctx.host.name, phase, text, ...(name === undefined ? {} : { name }) });
}

/** How `until` waits in a phase: it ends with the run, and tells each answer that is not the wanted one yet, with what else is known. */
export function reportedTo(
  ctx: Pick<RunContext, 'host' | 'reporter' | 'signal'>,
  phase: string,
  what: string,
  stateNow: () => string | undefined = () => undefined,
): Pick<UntilOptions, 'signal' | 'onTry'> {
  const onTry = (last: string): void => {
    const state = stateNow();
    const more = state === undefined ? {} : { state };
    ctx.reporter.emit({ kind: 'waiting', host: ctx.host.name, phase, what, last, ...more });
  };
  return { signal: ctx.signal, onTry };
}

/** End cleanly between two remote steps when the user asked to stop. @throws KbError KB_INTERRUPTED */
export function stopIfAsked(ctx: RunContext): void {
  if (!ctx.signal.aborted) return;
  throw interrupted('the running step has finished', {
    host: ctx.host.name,
    fix: `to continue: ${ctx.resumeCommand}`,
  });
}
