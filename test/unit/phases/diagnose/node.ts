// A node whose runtime, journal and files say what a test wants, in the form in which a host says it.
import type { StaticPod } from '../../../../src/kube/paths.ts';
import type { NodeRun } from '../../../../src/phases/diagnose/watch.ts';
import { FakeHost, plainFacts, type Reply } from '../../../fakes/host.ts';
import { runContext } from '../../../fakes/run.ts';

/** When the run began, by the host's clock. */
const begun = plainFacts.clock.host;

export interface FakeContainer {
  readonly name: StaticPod;
  readonly attempt: number;
  /** What it wrote, and that it ended after; one that is running has none. */
  readonly log?: string;
  readonly exitCode?: number;
  readonly reason?: string;
  /** Seconds after the run began. */
  readonly at?: number;
}

export interface FakeNode {
  readonly containers?: readonly FakeContainer[];
  /** Lines of the kubelet's journal, all of one process. */
  readonly journal?: readonly string[];
  readonly images?: string;
  /** Sections `== flags FILE`. */
  readonly flags?: string;
  readonly files?: Readonly<Record<string, string>>;
  /** Files that exist on the host, for `[ -e FILE ]`. */
  readonly existing?: readonly string[];
  /** Seconds since the kubelet was started. */
  readonly kubeletAge?: number;
}

function time(at: number): string {
  return new Date((begun + at) * 1000).toISOString();
}

/** A run on such a node; `node` may change while it goes on. */
export function runOn(node: FakeNode | (() => FakeNode), signal?: AbortSignal): { ctx: NodeRun; host: FakeHost } {
  const now = typeof node === 'function' ? node : (): FakeNode => node;
  const host = new FakeHost({ files: now().files ?? {}, replies: replies(now) });
  const ctx = runContext(host, 'kbinit init');
  const spec = { node: { criSocket: 'unix:///run/containerd/containerd.sock' } };
  return { ctx: { ...ctx, startedAt: new Date(), spec, ...(signal === undefined ? {} : { signal }) }, host };
}

function replies(now: () => FakeNode): readonly (readonly [RegExp, Reply])[] {
  const journal = (): string =>
    (now().journal ?? []).map((line) => `${begun + 5}.000001 master1 kubelet[7]: ${line}`).join('\n');
  return [
    [
      /ps -a -o json/,
      () =>
        `== crictl\n${JSON.stringify({ containers: (now().containers ?? []).map(row) })}\n\n== journal\n${journal()}\n`,
    ],
    [
      /inspect -o go-template/,
      (command) =>
        (now().containers ?? [])
          .filter((one) => command.includes(idOf(one)))
          .map(exit)
          .join(''),
    ],
    [/== kubelet/, () => `== kubelet\n${journal()}\n${now().flags ?? ''}\n== images\n${now().images ?? ''}\n`],
    [/^\[ -e /, (command) => ({ code: (now().existing ?? []).some((file) => command.includes(file)) ? 0 : 1 })],
    [
      /ActiveEnterTimestampMonotonic/,
      () =>
        `ActiveState=active\nActiveEnterTimestampMonotonic=${(1000 - (now().kubeletAge ?? 1)) * 1e6}\n1000.00 2000.00\n`,
    ],
    [/^systemctl restart kubelet$/, ''],
  ];
}

function idOf({ name, attempt }: FakeContainer): string {
  return `id-${name}-${attempt}`;
}

function row(one: FakeContainer): object {
  return {
    id: idOf(one),
    metadata: { name: one.name, attempt: one.attempt },
    state: one.log === undefined ? 'CONTAINER_RUNNING' : 'CONTAINER_EXITED',
    createdAt: String((begun + (one.at ?? one.attempt)) * 1e9),
  };
}

function exit(one: FakeContainer): string {
  const at = time(one.at ?? one.attempt);
  const lines = (one.log ?? '').split('\n').map((line) => `${at} stderr F ${line}\n`);
  return `== ${idOf(one)}\n${one.exitCode ?? 1}|${one.reason ?? 'Error'}|${at}|/var/log/pods/x.log|<no value>\n${lines.join('')}`;
}
