// The one look at a host before anything is changed: what the checks ask, the script that answers, the answers typed.
import { KbError } from '../errors.ts';
import type { HostView } from '../host/host.ts';
import { runtimeTools } from '../host/runtime.ts';
import { sh, type Shell } from '../host/shell.ts';
import type { ExternalEtcd } from '../config/spec.ts';
import { probeExternalEtcd, type EtcdAnswer } from './external-etcd.ts';
import type { Firewalld } from './firewalld-parse.ts';
import type { PathKind } from './path-kinds.ts';
import { parseSurvey } from './survey-parse.ts';
import { surveyScript } from './survey-script.ts';

/** What checks want to know of a host; the questions of all checks of a run are asked in one round trip. */
export interface Questions {
  /** TCP ports: is somebody listening, and who? */
  readonly ports?: readonly number[];
  /** Paths: missing, a file, an empty or a filled folder? */
  readonly paths?: readonly string[];
  /** Paths: what are they? */
  readonly kinds?: readonly string[];
  /** Small files whose text is wanted (not secrets). */
  readonly texts?: readonly string[];
  /** PEM files of which only the certificates are wanted. */
  readonly certificates?: readonly string[];
  /** Commands to look for on the PATH. */
  readonly executables?: readonly string[];
  /** systemd units, with their suffix. */
  readonly units?: readonly string[];
  /** Host names to resolve as the host does. */
  readonly lookups?: readonly string[];
  /** Folders, existing or not, whose filesystem's room is wanted. */
  readonly disks?: readonly string[];
  /** Kernel options, without CONFIG_. */
  readonly kernelOptions?: readonly string[];
  /** The CRI socket as a unix:// URL. */
  readonly criSocket?: string;
  /** Which ports firewalld lets in, at an address of the host or, without one, at the default route. */
  readonly firewalld?: { readonly address?: string };
  /** Look for what an earlier cluster may have left in the network. */
  readonly leftovers?: true;
  readonly externalEtcd?: ExternalEtcd;
}

/** A process that listens on a port; pid and command are not always to be had. */
export interface Listener {
  readonly port: number;
  readonly pid?: number;
  /** File name of its executable, else the kernel's 15-character name. */
  readonly command?: string;
}

/** A filled folder has entries, a fresh disk lost+found alone; a missing path includes a dangling link (stat fails). */
export type PathState = 'missing' | 'file' | 'empty-folder' | 'fresh-disk' | 'filled-folder';

export interface UnitState {
  readonly load: string;
  readonly active: string;
  /** `enabled`, `disabled`, …; '' where systemd does not say. */
  readonly file: string;
}

export interface Lookup {
  readonly name: string;
  readonly addresses: readonly string[];
}

export interface Filesystem {
  /** The folder that was asked for. */
  readonly path: string;
  /** Same number, same filesystem. */
  readonly device: string;
  readonly freeMiB: number;
  /** undefined where the filesystem does not count inodes (btrfs). */
  readonly freeInodes?: number;
  readonly isWritable: boolean;
}

/** A network interface that has a hardware address. */
export interface Link {
  readonly name: string;
  readonly mac: string;
}

/** What is known of the container runtime behind the CRI socket. */
export interface Runtime {
  readonly socket: 'missing' | 'not-a-socket' | 'listening' | 'stale';
  /** Who answered: crictl, ctr (containerd only), or nobody that could be asked. */
  readonly tool: 'crictl' | 'ctr' | 'none';
  /** The RuntimeReady condition (with ctr: containerd's CRI plugin); `silent` does not answer, `unknown` was not asked. */
  readonly state: 'ready' | 'not-ready' | 'silent' | 'unknown';
  /** Why it is not ready, or what the tool said. */
  readonly message?: string;
  /** What is known of a containerd that does not serve the CRI. */
  readonly withoutCri?: WithoutCri;
  /** Whether the runtime answers RuntimeConfig; undefined when it can't be known. */
  readonly hasRuntimeConfig?: boolean;
  /** By containerd's configuration file; undefined for other runtimes. */
  readonly cgroupDriver?: 'systemd' | 'cgroupfs';
}

/** What containerd says of its CRI plugin, and what its configuration does. */
export interface WithoutCri {
  /** containerd's version; undefined where there is no ctr. */
  readonly version?: string;
  /** ctr's word for the plugin that serves the CRI (`error`, `skip`), `missing` where it is not in its list. */
  readonly plugin?: string;
  /** Files with names in disabled_plugins that the CRI needs. */
  readonly disabled: readonly { readonly file: string; readonly names: readonly string[] }[];
}

export interface Leftovers {
  readonly cniFiles: readonly string[];
  readonly links: readonly string[];
  /** `KUBE-SERVICES`, … of iptables. */
  readonly chains: readonly string[];
  /** kube-proxy's: `ip kube-proxy`. */
  readonly nftTables: readonly string[];
}

/** Everything one look at the host gave. Maps hold only what was asked for. */
export interface Survey {
  readonly uid: number;
  /** `uname -s` */
  readonly kernelName: string;
  readonly listeners: ReadonlyMap<number, Listener>;
  readonly paths: ReadonlyMap<string, PathState>;
  readonly kinds: ReadonlyMap<string, PathKind>;
  readonly texts: ReadonlyMap<string, string>;
  readonly certificates: ReadonlyMap<string, readonly string[]>;
  readonly executables: ReadonlySet<string>;
  /** undefined when there is no systemctl. */
  readonly units: ReadonlyMap<string, UnitState> | undefined;
  /** Devices or files of /proc/swaps. */
  readonly swaps: readonly string[];
  readonly lookups: ReadonlyMap<string, Lookup>;
  readonly kernel: { readonly source?: string; readonly options: ReadonlyMap<string, string> };
  /** version is undefined when no cgroup filesystem is mounted. */
  readonly cgroups: { readonly version?: 1 | 2; readonly controllers: ReadonlySet<string> };
  readonly disks: readonly Filesystem[];
  readonly links: readonly Link[];
  readonly runtime?: Runtime;
  /** undefined where firewalld does not run or did not answer. */
  readonly firewalld?: Firewalld;
  readonly leftovers: Leftovers;
  readonly externalEtcd: readonly EtcdAnswer[];
}

/** The questions of many checks as one set. */
export function mergeQuestions(all: readonly Questions[]): Questions {
  const union = <T>(pick: (q: Questions) => readonly T[] | undefined): readonly T[] => [
    ...new Set(all.flatMap((q) => pick(q) ?? [])),
  ];
  const criSocket = all.find((q) => q.criSocket !== undefined)?.criSocket;
  const firewalld = all.find((q) => q.firewalld !== undefined)?.firewalld;
  const externalEtcd = all.find((q) => q.externalEtcd !== undefined)?.externalEtcd;
  return {
    ports: union((q) => q.ports),
    paths: union((q) => q.paths),
    kinds: union((q) => q.kinds),
    texts: union((q) => q.texts),
    certificates: union((q) => q.certificates),
    executables: union((q) => q.executables),
    units: union((q) => q.units),
    lookups: union((q) => q.lookups),
    disks: union((q) => q.disks),
    kernelOptions: union((q) => q.kernelOptions),
    ...(criSocket === undefined ? {} : { criSocket }),
    ...(firewalld === undefined ? {} : { firewalld }),
    ...(all.some((q) => q.leftovers) ? { leftovers: true } : {}),
    ...(externalEtcd === undefined ? {} : { externalEtcd }),
  };
}

/** The command that answers the questions. It changes nothing. */
export function surveyCommand(questions: Questions): Shell {
  const lines = (list: readonly string[] | undefined): string => (list ?? []).join('\n');
  const hex = (questions.ports ?? []).map((port) => port.toString(16).toUpperCase().padStart(4, '0'));
  return sh`tab=${'\t'} ports=${hex.join('|')} paths=${lines(questions.paths)} kinds=${lines(questions.kinds)} texts=${lines(questions.texts)}
certificates=${lines(questions.certificates)} executables=${lines(questions.executables)}
units=${lines(questions.units)} lookups=${lines(questions.lookups)} disks=${lines(questions.disks?.map(chain))}
options=${(questions.kernelOptions ?? []).join('|')} leftovers=${questions.leftovers ? 'yes' : ''}
firewall=${questions.firewalld === undefined ? '' : `at ${questions.firewalld.address ?? ''}`}
${runtimeTools(questions.criSocket ?? '', 6)}${surveyScript}`;
}

/** A folder and all above it, `/var/lib/etcd`, `/var/lib`, `/var`, `/`, with tabs between. */
function chain(path: string): string {
  const parts = path.split('/').filter((part) => part !== '');
  return [...parts.map((_, index) => `/${parts.slice(0, parts.length - index).join('/')}`), '/'].join('\t');
}

function readSurvey(host: HostView, stdout: string): ReturnType<typeof parseSurvey> {
  try {
    return parseSurvey(stdout);
  } catch (error) {
    throw error instanceof KbError ? error.within({ host: host.name }) : error;
  }
}

/** Ask a host everything, in one round trip. @throws KbError KB_SURVEY, KB_HOST_FACT */
export async function survey(host: HostView, questions: Questions): Promise<Survey> {
  const etcd = questions.externalEtcd;
  const [answer, externalEtcd] = await Promise.all([
    // A runtime's own configuration is in its answer, and may hold a registry's password.
    host.probe(surveyCommand(questions), { secret: true }),
    etcd === undefined ? [] : probeExternalEtcd(host, etcd),
  ]);
  const parsed = readSurvey(host, answer.stdout);
  if (parsed !== undefined) return { ...parsed, externalEtcd };
  throw new KbError({
    code: 'KB_SURVEY',
    summary: 'the host could not be looked at',
    host: host.name,
    detail: `the survey ended early with exit code ${answer.code}`,
    fix: 'see the log for the command and its output; a POSIX sh and coreutils are needed on the host',
    evidence: answer.stderr.split('\n').filter((line) => line !== ''),
  });
}
