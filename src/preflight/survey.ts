// The one look at a host before anything is changed: what the checks ask, the script that answers, the answers typed.
import { KbError } from '../errors.ts';
import type { HostView } from '../host/host.ts';
import { runtimeTools } from '../host/runtime.ts';
import { sh, type Shell } from '../host/shell.ts';
import type { ExternalEtcd } from '../config/spec.ts';
import { probeExternalEtcd } from './external-etcd.ts';
import { parseSurvey, type Survey } from './survey-parse.ts';
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
    summary: 'could not inspect the host',
    host: host.name,
    detail: `the survey ended early with exit code ${answer.code}`,
    fix: 'see the log for the command and its output; a POSIX sh and coreutils are needed on the host',
    evidence: answer.stderr.split('\n').filter((line) => line !== ''),
  });
}
