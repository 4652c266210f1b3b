// Watches the static Pods while something waits for them: what ends, why, and whether it is of use to wait on.
import { setTimeout as sleep } from 'node:timers/promises';
import type { NodeRegistration } from '../../config/spec.ts';
import { KbError } from '../../errors.ts';
import { sh } from '../../host/shell.ts';
import type { StaticPod } from '../../kube/paths.ts';
import { count } from '../../util/text.ts';
import type { Attempt } from '../../util/until.ts';
import { step, type RunContext } from '../context.ts';
import { findCause } from './causes.ts';
import { lookAtPods, newest, readExits, type Container, type Exit } from './containers.ts';
import { currentMessages } from './kubelet-journal.ts';
import { inWords, shortened, withoutNumbers } from './log-lines.ts';

/** A run on a node whose runtime is known. */
export interface NodeRun extends RunContext {
  readonly spec: { readonly node: Pick<NodeRegistration, 'criSocket'> };
}

export interface PodWatch {
  readonly components: readonly StaticPod[];
  /** What speaks against a component, in words for the line of a wait; undefined while nothing does. */
  readonly said: (component: StaticPod) => string | undefined;
  /** The last end of the component that keeps this one from coming up, where waiting on will not change that. */
  readonly hopeless: (component: StaticPod) => Exit | undefined;
  /** What ended since this run began, oldest first. */
  readonly exits: (component: StaticPod) => readonly Exit[];
  /** Of the kubelet's messages those about these Pods. */
  readonly journal: () => readonly string[];
  /** One more look. */
  readonly look: () => Promise<void>;
  readonly stop: () => void;
}

export interface WatchOptions {
  readonly phase: string;
  readonly components: readonly StaticPod[];
  /** Milliseconds until the first look, and between two: a component that comes up is hardly ever looked at. */
  readonly intervalMs?: number;
}

/** Watch until it is stopped or the run is. A look that fails is none: the wait has its own patience. */
export function watchPods(ctx: NodeRun, { phase, components, intervalMs = 2000 }: WatchOptions): PodWatch {
  const ending = new AbortController();
  const signal = AbortSignal.any([ctx.signal, ending.signal]);
  const runtime = { host: ctx.host, criSocket: ctx.spec.node.criSocket };
  const known = new Map<string, Exit>();
  let containers: readonly Container[] = [];
  let journal: readonly string[] = [];

  const look = async (): Promise<void> => {
    const { clock } = await ctx.host.facts();
    const seen = await lookAtPods(runtime, components);
    const ended = seen.containers.filter(({ id, isRunning }) => !isRunning && !known.has(id));
    for (const exit of await readExits(runtime, ended)) known.set(exit.id, exit);
    containers = seen.containers;
    journal = currentMessages(
      since(seen.journal, clock.host),
      clock.host + ctx.clock.now().getTime() / 1000 - clock.local,
    );
  };
  const exits = (component: StaticPod): readonly Exit[] =>
    [...known.values()]
      .filter((exit) => exit.component === component && exit.finishedAt >= begun)
      .toSorted((a, b) => a.finishedAt - b.finishedAt || a.attempt - b.attempt);
  let begun = Infinity;
  const watching = async (): Promise<void> => {
    begun = (await ctx.host.facts()).clock.host;
    for (let isFirst = true; ; isFirst = false) {
      await sleep(intervalMs, undefined, { signal });
      try {
        await look();
        if (isFirst) await skipBackOff(ctx, phase, components, containers);
      } catch {
        // The host did not answer, or not as expected: the next look may be luckier, and the wait does not depend on it.
      }
    }
  };
  watching().catch(() => undefined);

  const isOver = (component: StaticPod): Exit | undefined => {
    if (newest(containers, component)?.isRunning !== false) return undefined;
    const [before, last] = exits(component).slice(-2);
    if (before === undefined || last === undefined || reasonOf(before) !== reasonOf(last)) return undefined;
    return isFinal(last, ctx.host.name) ? last : undefined;
  };
  return {
    components,
    exits,
    journal: () => journal,
    hopeless: (component) =>
      rootsOf(component, components)
        .map(isOver)
        .find((exit) => exit !== undefined),
    said(component) {
      for (const one of rootsOf(component, components)) {
        const text = inShort(one, exits(one), newest(containers, one), journal, ctx.host.name);
        if (text !== undefined) return one === component ? text : `${one} ${text}`;
      }
      return undefined;
    },
    look,
    stop: () => ending.abort(),
  };
}

/** A try of a wait for a static Pod: where it fails, and the Pod's containers end again and again, it is the last. */
export function watched<T>(
  { name, watch }: { readonly name: StaticPod; readonly watch: PodWatch },
  attempt: () => Promise<Attempt<T>>,
): () => Promise<Attempt<T>> {
  return async () => {
    try {
      const result = await attempt();
      return 'notYet' in result && watch.hopeless(name) !== undefined ? { hopeless: result.notYet } : result;
    } catch (error) {
      if (error instanceof KbError || watch.hopeless(name) === undefined) throw error;
      return { hopeless: error instanceof Error ? error.message : String(error) };
    }
  };
}

/** What a component cannot come up without, the first cause first; at the end the component itself. */
export function rootsOf(component: StaticPod, components: readonly StaticPod[]): readonly StaticPod[] {
  const needed: readonly StaticPod[] = component === 'etcd' ? [] : ['etcd', 'kube-apiserver'];
  return [...new Set([...needed, component])].filter((one) => components.includes(one));
}

/** Lines of `-o short-unix` that are not older. */
function since(lines: readonly string[], seconds: number): readonly string[] {
  return lines.filter((line) => Number.parseFloat(line) >= seconds);
}

function reasonOf({ exitCode, reason, lastWords = '' }: Exit): string {
  return `${exitCode} ${reason} ${withoutNumbers(lastWords)}`;
}

/** What was stopped from outside may be started again, and what another component is to blame for may pass. */
function isFinal({ component, exitCode, reason, messages, lastWords }: Exit, host: string): boolean {
  if (reason !== 'OOMKilled' && exitCode !== undefined && [0, 137, 143].includes(exitCode)) return false;
  if (lastWords === undefined) return false;
  const where = { host, speaker: component };
  return (findCause([lastWords], where) ?? findCause(messages, where))?.cause.mayPass !== true;
}

function inShort(
  component: StaticPod,
  ended: readonly Exit[],
  container: Container | undefined,
  journal: readonly string[],
  host: string,
): string | undefined {
  const last = ended.at(-1);
  if (last !== undefined) {
    const times = `exited ${count(ended.length, 'time')}`;
    return last.lastWords === undefined ? times : `${times}: ${shortened(inWords(last.lastWords))}`;
  }
  if (container?.isRunning === true) return undefined;
  const about = journal.filter((message) => message.includes(`kube-system/${component}-`));
  return findCause(about, { host, speaker: 'kubelet' })?.summary;
}

/**
 * A kubelet that an earlier run left waiting: for up to five minutes before it starts a container again, pulls an image or
 * mounts a volume that failed. Restarted, it does all of that at once, with the files that were corrected meanwhile, and
 * what runs goes on running.
 */
async function skipBackOff(
  ctx: NodeRun,
  phase: string,
  components: readonly StaticPod[],
  containers: readonly Container[],
): Promise<void> {
  const waiting = components.filter((one) => newest(containers, one)?.isRunning !== true);
  if (waiting.length === 0 || ctx.signal.aborted) return;
  const elapsed = Math.ceil((ctx.clock.now().getTime() - ctx.startedAt.getTime()) / 1000);
  const { stdout } = await ctx.host.probe(sh`
systemctl show kubelet -p ActiveState -p ActiveEnterTimestampMonotonic
cat /proc/uptime`);
  const active = /^ActiveState=active$/m.test(stdout);
  const entered = Number(/^ActiveEnterTimestampMonotonic=(\d+)$/m.exec(stdout)?.[1] ?? Infinity) / 1e6;
  const uptime = Number(/^(\d+\.\d+) /m.exec(stdout)?.[1] ?? 0);
  if (!active || uptime - entered <= elapsed) return;
  step(ctx, phase, `restarting the kubelet: ${waiting.join(', ')} would be kept waiting by its back-off`);
  await ctx.host.run(
    sh`systemctl restart kubelet`,
    `restart the kubelet, so that ${waiting.join(', ')} starts without back-off`,
    { idempotent: true },
  );
}
