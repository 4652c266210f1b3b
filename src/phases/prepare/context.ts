// What the phases of `host prepare` share: what the host is, read once until something changes, and the ledger.
import { KbError } from '../../errors.ts';
import type { Ledger, LedgerEntry } from '../../host/ledger.ts';
import { paths } from '../../kube/paths.ts';
import { timeServices } from '../../prepare/clock.ts';
import { mirrorPath, runtimeFolders } from '../../prepare/containerd.ts';
import { detachMounts, sysctls } from '../../prepare/kernel.ts';
import { clusterFolders } from '../../prepare/kubelet.ts';
import { knownPackages, knownPrograms } from '../../prepare/packages.ts';
import { places } from '../../prepare/places.ts';
import type { PrepareSpec } from '../../prepare/spec.ts';
import { parseState, type HostState } from '../../prepare/state.ts';
import { surveyCommand, type Questions } from '../../prepare/survey.ts';
import type { RunContext } from '../context.ts';

export interface PrepareContext extends RunContext {
  readonly spec: PrepareSpec;
  readonly ledger: Ledger;
  /** Reads ledger.json. @throws KbError KB_LEDGER */
  readonly readLedger: (text: string | undefined) => readonly LedgerEntry[];
  /** Forgotten when something has changed. */
  state?: Promise<HostState>;
}

/** What the host is now. @throws KbError KB_PREPARE_SURVEY */
export function stateOf(ctx: PrepareContext): Promise<HostState> {
  ctx.state ??= ask(ctx);
  return ctx.state;
}

async function ask(ctx: PrepareContext): Promise<HostState> {
  const { code, stdout, stderr } = await ctx.host.probe(surveyCommand(questions(ctx.spec)), {
    why: 'inspect the host',
    // Files of the host are in the answer, and a share's password may be in /etc/fstab.
    secret: true,
    signal: ctx.signal,
  });
  const state = readState(ctx, stdout);
  if (code !== 0 || state.kernel === '') {
    throw new KbError({
      code: 'KB_PREPARE_SURVEY',
      summary: 'host survey failed',
      host: ctx.host.name,
      detail: stderr.trim().split('\n')[0] || `the survey ended with exit code ${code}`,
      fix: 'check that it is a Linux with systemd and coreutils, then run again',
    });
  }
  ctx.ledger.learn(state.ledger);
  return state;
}

/** @throws KbError KB_HOST_NAME, KB_HOST_FACT of this host */
function readState({ host, readLedger }: PrepareContext, stdout: string): HostState {
  try {
    return parseState(stdout, readLedger);
  } catch (error) {
    throw error instanceof KbError ? error.within({ host: host.name }) : error;
  }
}

/** Everything that any of the phases wants to know. */
function questions(spec: PrepareSpec): Questions {
  const binaries = spec.source.kind === 'binaries' ? spec.source.binaries.map(({ path }) => path) : [];
  const offline = spec.source.kind === 'binaries' ? spec.source.offline : undefined;
  const { containerdPending, uploads, ...compared } = places;
  return {
    files: [...Object.values(compared).filter((path) => path.startsWith('/etc/')), ...mirrorFiles(spec)],
    measured: [containerdPending, paths.kubeletConf, ...binaries],
    texts: [places.hosts, places.fstab, places.userSysctl, places.containerdConfig, uploads],
    folders: [...runtimeFolders, ...clusterFolders],
    sysctls: [...Object.keys(sysctls(spec)), detachMounts],
    units: ['kubelet.service', 'containerd.service', 'firewalld.service', 'NetworkManager.service', ...timeServices],
    programs: knownPrograms,
    packages:
      spec.source.kind === 'packages'
        ? knownPackages
        : [...new Set(['chrony', 'container-selinux', ...(offline?.packages ?? []).map(({ name }) => name)])],
    wantsImages: offline !== undefined,
    ...(spec.firewallZone !== undefined && { zone: spec.firewallZone }),
  };
}

function mirrorFiles({ mirrors, formerMirrors = [] }: PrepareSpec): readonly string[] {
  return [...mirrors.map(({ registry }) => registry), ...formerMirrors].map((registry) => mirrorPath({ registry }));
}
