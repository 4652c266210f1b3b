// When a wait ends without what it waited for: say why, in the words of the component itself, and what to do about it.
import { interrupted, KbError, type Problem } from '../../errors.ts';
import { sh } from '../../host/shell.ts';
import { manifestPath, type StaticPod } from '../../kube/paths.ts';
import { flagOf, hostPathOf, readPod } from '../../manifests/pod-paths.ts';
import { sleep } from '../../util/retry.ts';
import { count } from '../../util/text.ts';
import { TimedOut } from '../../util/until.ts';
import { argumentsOf, findCause, type Explanation } from './causes.ts';
import type { Exit } from './containers.ts';
import { collect, nameOverride, sourceOf, type Evidence } from './evidence.ts';
import { inWords, isComplaint, shortened } from './log-lines.ts';
import { rootsOf, type NodeRun, type PodWatch } from './watch.ts';

/** What is waited for: the kubelet itself, the node that it registers, or a static Pod that is being watched. */
export type Waited =
  | { readonly kind: 'kubelet' }
  | { readonly kind: 'node'; readonly name: string; readonly watch?: PodWatch }
  | WatchedPod;

export interface WatchedPod {
  readonly kind: 'pod';
  readonly name: StaticPod;
  readonly watch: PodWatch;
}

/** Seconds that a run which is to stop may still spend on finding out; a limit leaves 2.5 for everything (cli/run/deadline.ts). */
const hurriedSeconds = 1.5;

/** Wait; when the time is up, or the run is stopped meanwhile, the failure says why it has not come. */
export async function explained<T>(ctx: NodeRun, waited: Waited, wait: () => Promise<T>): Promise<T> {
  try {
    return await wait();
  } catch (error) {
    if (error instanceof TimedOut) throw await explainFailure(ctx, waited, error);
    if (error instanceof KbError && error.has('KB_INTERRUPTED')) throw await explainStop(ctx, waited, error);
    throw error;
  }
}

/** The failure of a wait, with its likely cause, the line that proves it, and the command to go on. */
async function explainFailure(ctx: NodeRun, waited: Waited, failure: TimedOut): Promise<KbError> {
  const { subject, detail, fix, evidence } = await diagnose(ctx, waited);
  const { host, resumeCommand } = ctx;
  const patience = `waited ${failure.seconds} s`;
  const problem: Problem = {
    code: waited.kind === 'pod' ? 'KB_COMPONENT_NOT_HEALTHY' : 'KB_KUBELET_NOT_HEALTHY',
    summary: subject,
    host: host.name,
    detail:
      detail === undefined
        ? `${patience} for ${failure.what}; last answer: ${failure.last}`
        : `${detail} (${patience}; last answer: ${failure.last})`,
    fix: `${fix ?? `read the evidence, or \`journalctl -xeu kubelet\` and \`crictl ps -a\` on ${host.name}`}; then continue with: ${resumeCommand}`,
    evidence,
  };
  return new KbError(problem);
}

/** A run that was stopped in the middle of a wait: what kept it waiting is told with it, where that is known soon enough. */
async function explainStop(ctx: NodeRun, waited: Waited, stopped: KbError): Promise<KbError> {
  const late = sleep(hurriedSeconds).then(() => undefined);
  const found = await Promise.race([diagnose(ctx, waited), late]).catch(() => undefined);
  if (found?.detail === undefined) return stopped;
  const { subject, detail, evidence } = found;
  const [problem] = stopped.problems;
  return interrupted(`${problem?.detail ?? ''}: ${subject}: ${detail}`, {
    host: ctx.host.name,
    fix: `${found.fix ?? 'read the evidence'}; then continue with: ${ctx.resumeCommand}`,
    evidence,
  });
}

interface Diagnosis {
  /** `etcd did not come up` */
  readonly subject: string;
  /** The cause, or what is known of the end; undefined where neither is. */
  readonly detail?: string;
  readonly fix?: string;
  readonly evidence: readonly string[];
}

async function diagnose(ctx: NodeRun, waited: Waited): Promise<Diagnosis> {
  const watch = waited.kind === 'kubelet' ? undefined : waited.watch;
  const [evidence] = await Promise.all([
    collect(ctx, ctx.spec.node.criSocket, watch?.components ?? []),
    watch?.look().catch(() => undefined),
  ]);
  const ofKubelet = (): Diagnosis | undefined => kubeletCause(ctx, waited, evidence);
  const ofPods = (): Promise<Diagnosis | undefined> => podCause(ctx, waited, watch, evidence);
  const found = waited.kind === 'pod' ? ((await ofPods()) ?? ofKubelet()) : (ofKubelet() ?? (await ofPods()));
  return found ?? { subject: subjectOf(waited), evidence: unexplained(waited, watch, evidence) };
}

function subjectOf(waited: Waited): string {
  switch (waited.kind) {
    case 'kubelet':
      return 'the kubelet did not come up';
    case 'node':
      return `node ${waited.name} was not registered`;
    case 'pod':
      return `${waited.name} did not come up`;
    default:
      return waited satisfies never;
  }
}

/** The first of the components that are needed whose own words say why it, or what waits for it, does not come up. */
async function podCause(
  ctx: NodeRun,
  waited: Waited,
  watch: PodWatch | undefined,
  evidence: Evidence,
): Promise<Diagnosis | undefined> {
  if (watch === undefined || waited.kind === 'kubelet') return undefined;
  const name = waited.kind === 'pod' ? waited.name : 'kube-apiserver';
  const candidates = rootsOf(name, watch.components);
  let consequence: Diagnosis | undefined;
  for (const component of candidates) {
    const found = await causeOf(ctx, component, watch.exits(component), evidence);
    if (found === undefined) continue;
    if (!found.mayPass) return found.diagnosis;
    consequence ??= found.diagnosis;
  }
  return consequence;
}

async function causeOf(
  ctx: NodeRun,
  component: StaticPod,
  exits: readonly Exit[],
  evidence: Evidence,
): Promise<{ readonly diagnosis: Diagnosis; readonly mayPass: boolean } | undefined> {
  const host = ctx.host.name;
  const last = exits.at(-1);
  const subject = `${component} did not come up`;
  const where = { host, speaker: component };
  const own = last === undefined ? (evidence.logs.get(component) ?? []).filter(isComplaint) : last.messages;
  const decisive = last?.lastWords === undefined ? [] : [last.lastWords];
  const known = findCause(decisive, where) ?? findCause(own.filter(isComplaint), where);
  if (known !== undefined) {
    const cause = known.cause.namesFile === true ? await aboutFile(ctx, component, known) : known;
    const ended = last === undefined ? '' : `; ${howItEnded(component, exits)}`;
    const diagnosis = {
      subject,
      detail: `${cause.summary}${ended}`,
      fix: cause.fix,
      evidence: [`${component}: ${shortened(known.message)}`],
    };
    return { diagnosis, mayPass: known.cause.mayPass === true };
  }
  if (last?.lastWords !== undefined) {
    const diagnosis = {
      subject,
      detail: `${howItEnded(component, exits)}: ${shortened(inWords(last.lastWords))}`,
      fix: `fix the error that ${component} names (its arguments are ${argumentsOf(component)})`,
      evidence: last.messages.slice(-4).map((message) => `${component}: ${shortened(message)}`),
    };
    return { diagnosis, mayPass: false };
  }
  const about = evidence.kubelet.filter((message) => message.includes(`kube-system/${component}-`));
  const byKubelet = findCause(about, { host, speaker: 'kubelet' }) ?? missingImage(component, evidence, host);
  if (byKubelet === undefined) return undefined;
  const source = byKubelet.message.startsWith('image ') ? 'images' : 'kubelet';
  const diagnosis = {
    subject,
    detail: byKubelet.summary,
    fix: byKubelet.fix,
    evidence: [`${source}: ${shortened(byKubelet.message)}`],
  };
  return { diagnosis, mayPass: byKubelet.cause.mayPass === true };
}

function missingImage(component: StaticPod, { images }: Evidence, host: string): Explanation | undefined {
  const own = images.flatMap((line) => (line.startsWith(`${component} `) ? [line.slice(component.length + 1)] : []));
  return findCause(own, { host, speaker: 'images' });
}

function howItEnded(component: StaticPod, exits: readonly Exit[]): string {
  const code = exits.at(-1)?.exitCode;
  return `${component} exited ${count(exits.length, 'time')}${code === undefined ? '' : ` with exit code ${code}`}`;
}

/** A file that a component could not open: whether it is missing on the host, or only inside the container. */
async function aboutFile(ctx: NodeRun, component: StaticPod, found: Explanation): Promise<Explanation> {
  const [, file = ''] = found.match;
  const host = ctx.host.name;
  const pod = readPod(await ctx.host.read(manifestPath(component)));
  const flag = pod && flagOf(pod, file);
  const named = flag === undefined ? '' : ` (${flag} of ${component})`;
  const onHost = pod && hostPathOf(pod, file);
  const { code } = await ctx.host.probe(sh`[ -e ${onHost ?? file} ]`);
  const volumes = argumentsOf(component).replace('extraArgs', 'extraVolumes');
  if (onHost === undefined) {
    const summary = `no volume of ${component} mounts ${file}${named}${code === 0 ? `, which exists on ${host}` : ''}`;
    const fix = `add the file to ${volumes} (hostPath and mountPath)${code === 0 ? '' : `, and put it on ${host}`}`;
    return { ...found, summary, fix };
  }
  if (code === 0) {
    const summary = `${component} did not find ${file}${named}, although ${onHost} exists on ${host}`;
    const fix = `check ${onHost}: a symbolic link must lead to a path that ${volumes} mounts`;
    return { ...found, summary, fix };
  }
  const inside = onHost === file ? '' : `; ${volumes} mounts it as ${file}`;
  return { ...found, summary: `${onHost} does not exist on ${host}${named}${inside}`, fix: `put ${onHost} on ${host}` };
}

/** What the kubelet says of itself: what it ended with, else what is known to keep nodes and Pods from coming up. */
function kubeletCause(ctx: NodeRun, waited: Waited, evidence: Evidence): Diagnosis | undefined {
  const host = ctx.host.name;
  const where = { host, speaker: 'kubelet' as const };
  const subject = subjectOf(waited);
  const fatal = evidence.kubelet.filter((message) => /^F\d{4} |"command failed"|^(?:panic|Error): /.test(message));
  // What it says of Pods has its place with those that are waited for.
  const others = evidence.kubelet.filter((message) => !/\bpods?=/.test(message));
  const found = findCause(fatal, where) ?? findCause(others, where, 'meant');
  if (found !== undefined) {
    const flag = /--[a-z][\w-]*/.exec(found.message)?.[0];
    const file = flag === undefined ? undefined : sourceOf(evidence.flagFiles, flag);
    const fix = file === undefined ? found.fix : `correct ${flag ?? ''} in ${file} on ${host}; or ${found.fix}`;
    return { subject, detail: found.summary, fix, evidence: [`kubelet: ${shortened(found.message)}`] };
  }
  const last = fatal.at(-1);
  if (last !== undefined) {
    const detail = `the kubelet ended with an error: ${shortened(inWords(last))}`;
    return {
      subject,
      detail,
      fix: 'fix the error that the kubelet names',
      evidence: lastOf(evidence.kubelet, 4, 'kubelet'),
    };
  }
  return waited.kind === 'node' ? otherName(waited.name, subject, evidence) : undefined;
}

/** A kubelet that runs, but as another node than the one that is waited for. */
function otherName(name: string, subject: string, { flagFiles, kubelet }: Evidence): Diagnosis | undefined {
  const found = nameOverride(flagFiles, name);
  if (found === undefined) return undefined;
  return {
    subject,
    detail: `the kubelet runs under another name: ${found.file} sets --hostname-override=${found.value}`,
    fix: `remove --hostname-override from ${found.file} and run \`systemctl daemon-reload\`, or run again with --node-name ${found.value}`,
    evidence: lastOf(kubelet.filter(isComplaint), 4, 'kubelet'),
  };
}

/** Nothing known: the last words of what was waited for, and the kubelet's. */
function unexplained(waited: Waited, watch: PodWatch | undefined, evidence: Evidence): readonly string[] {
  const kubelet = evidence.kubelet.filter(isComplaint);
  const said = kubelet.length > 0 ? kubelet : evidence.kubelet;
  if (waited.kind !== 'pod' || watch === undefined) return lastOf(said, 8, 'kubelet');
  const own = evidence.logs.get(waited.name) ?? [];
  return [...lastOf(own, 4, waited.name), ...lastOf(said, 4, 'kubelet')];
}

function lastOf(all: readonly string[], most: number, source: string): readonly string[] {
  return all.slice(-most).map((message) => `${source}: ${shortened(message)}`);
}
