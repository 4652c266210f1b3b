// Hosts for members of an etcd cluster as far as the phases of `etcd init` look at them, with an etcd that answers.
import { readEtcdCluster } from '../../../../src/config/etcd-cluster.ts';
import type { EtcdApi } from '../../../../src/cluster/types.ts';
import type { ClientPlace, EtcdClusterContext, Upload } from '../../../../src/phases/etcd-init/context.ts';
import { etcdInitPhases } from '../../../../src/phases/etcd-init/index.ts';
import { runPhases } from '../../../../src/workflow/runner.ts';
import { selectPhases } from '../../../../src/workflow/select.ts';
import { FakeHost, recordingReporter } from '../../../fakes/host.ts';
import { runContext, unused } from '../../../fakes/run.ts';

export interface HostState {
  readonly files?: Readonly<Record<string, string>>;
  readonly data?: 'member' | 'other';
  readonly isActive?: boolean;
  /** A file of the member is younger than its process. */
  readonly isStale?: boolean;
  readonly machineId?: string;
  readonly hostname?: string;
  /** What is at /usr/local/bin/etcd. */
  readonly sha256?: string;
  /** What `etcd --version` says; undefined where there is none. */
  readonly version?: string;
  /** Never serves, and says this in its journal. */
  readonly journal?: string;
  readonly uploadFails?: string;
}

export interface EtcdHosts {
  readonly hosts: readonly FakeHost[];
  readonly ctx: EtcdClusterContext;
  /** Run some phases, all by default. */
  readonly run: (...only: readonly string[]) => Promise<void>;
  /** `host: command` of everything that changed something, in order. */
  readonly changes: () => readonly string[];
}

/** Hosts etcd1, etcd2, … at 10.0.0.1, 10.0.0.2, … */
export function etcdHosts(
  states: readonly HostState[],
  options: { readonly upload?: Upload; readonly clients?: readonly string[] } = {},
): EtcdHosts {
  const order: string[] = [];
  const running = states.map((state) => ({ active: state.isActive ?? false, stale: state.isStale ?? false }));
  const hosts = states.map((state, index) => host(state, index, { order, running }));
  const reporter = recordingReporter();
  const etcd = (index: number): EtcdApi => ({
    ...refusing,
    status: async () => {
      // As an etcd without a majority: it does not say a word.
      const serving = running.filter(({ active }, n) => active && states[n]?.journal === undefined).length;
      if (running[index]?.active !== true || states[index]?.journal !== undefined || serving * 2 <= states.length) {
        throw new Error('connection refused');
      }
      order.push(`etcd${index + 1}: asked`);
      return { ...status, memberId: String(index + 1) };
    },
    members: async () =>
      states.map((_, n) => ({
        id: String(n + 1),
        name: `etcd${n + 1}`,
        peerUrls: [`https://10.0.0.${n + 1}:2380`],
        clientUrls: [],
        isLearner: false,
      })),
  });
  const [first] = hosts;
  if (first === undefined) throw new Error('no host');
  const ctx: EtcdClusterContext = {
    ...runContext(first, 'kbinit etcd init'),
    reporter,
    spec: { ...readEtcdCluster({}), isDryRun: false, skipPhases: [] },
    hosts: hosts.map((one, index) => ({
      host: one,
      etcds: { open: () => etcd(index) },
      reachedAddress: `10.0.0.${index + 1}`,
    })),
    uploads: options.upload === undefined ? {} : { etcd: options.upload },
    clients: (options.clients ?? []).map((name): ClientPlace => ({
      name,
      folder: '/etc/kubernetes/pki',
      caBase: 'etcd/ca',
      read: async () => new Map(),
      write: async () => false,
    })),
    members: [],
    programs: [],
    touched: new Set(),
  };
  return {
    hosts,
    ctx,
    async run(...only) {
      const selected = selectPhases(etcdInitPhases, { skip: [] });
      const wanted = only.length === 0 ? selected : selected.filter(({ phase }) => only.includes(phase.name));
      await runPhases(wanted, ctx, {
        signal: ctx.signal,
        now: () => 0,
        observer: { started: () => ctx.touched.clear(), ended: () => undefined },
      });
    },
    changes: () => order,
  };
}

interface Shared {
  readonly order: string[];
  readonly running: readonly { active: boolean; stale: boolean }[];
}

function host(state: HostState, index: number, { order, running }: Shared): FakeHost {
  const name = `etcd${index + 1}`;
  const own = running[index] ?? { active: false, stale: false };
  const note = (text: string): string => {
    order.push(`${name}: ${text}`);
    return '';
  };
  const begin = (command: string): string => {
    const isRestart = command.includes('systemctl restart');
    own.active = true;
    own.stale = false;
    return note(isRestart ? 'restart' : command.includes('systemctl start') ? 'start' : 'enable');
  };
  return new FakeHost({
    name,
    facts: {
      hostname: state.hostname ?? name,
      machineId: state.machineId ?? `${index + 1}`.repeat(32),
      addresses: [
        { ...address, address: `10.0.0.${index + 1}` },
        { ...address, address: '192.168.9.9' },
      ],
    },
    files: { ...state.files },
    replies: [
      ['@@kbinit', survey],
      ['[ -d "$1/member" ]', `${own.active ? 'active' : 'inactive'}\n${state.data ?? 'none'}\n`],
      ['command -v "$name"', state.version === undefined ? '' : 'etcd\n'],
      ['command -v etcd', '/usr/bin/etcd\n'],
      [/^sha256sum/, `${state.sha256 ?? ''}\n`],
      [
        'the checksum is not',
        () => {
          if (state.uploadFails !== undefined) return { code: 4, stderr: state.uploadFails };
          return note('upload');
        },
      ],
      ['--version', `etcd Version: ${state.version ?? '3.6.8'}\nGit SHA: x\n`],
      [/^id etcd/, ''],
      ["stat -c '%U:%G %a'", 'etcd:etcd 700\nroot:etcd 640\nroot:etcd 640\n'],
      ['ExecMainStartTimestamp', () => `enabled\n${own.active ? (own.stale ? 'stale' : 'yes') : 'no'}\n`],
      ['daemon-reload', begin],
      ['SubState', 'SubState=auto-restart\n'],
      ['journalctl', state.journal ?? ''],
    ],
  });
}

const address = { interface: 'eth0', family: 4, prefixLength: 24, isUp: true } as const;
const survey = ['@@kbinit:identity', '0', 'Linux', '@@kbinit:end', ''].join('\n');
const status = {
  version: '3.6.8',
  dbSizeBytes: 1,
  leaderId: '1',
  isLearner: false,
  raftTerm: '2',
  raftIndex: '9',
  raftAppliedIndex: '9',
  errors: [],
};
const refusing = { addLearner: unused, promote: unused, remove: unused };
