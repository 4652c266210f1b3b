// The phases of init on a host and a cluster that keep what is written: each can be run a first and a second time, after a
// kill, and as a dry run.
import { recordingApi } from '../../src/cluster/recording.ts';
import type { KubeObject } from '../../src/cluster/types.ts';
import type { InitSpec } from '../../src/config/spec.ts';
import { recordingHost } from '../../src/host/recording.ts';
import type { InitContext, InitSettings } from '../../src/phases/context.ts';
import { initPhases } from '../../src/phases/index.ts';
import { systemRandomSource } from '../../src/util/keygen.ts';
import type { Phase, PhaseOutcome } from '../../src/workflow/phase.ts';
import { specOf } from '../golden/support/case.ts';
import { FakeApi } from './api.ts';
import { FakeHost, recordingReporter } from './host.ts';
import { runContext } from './run.ts';

const base = specOf('v1.36.3/default');

/** The default case of the goldens, with keys that take no time. */
export const initSpec: InitSpec = {
  ...base,
  cluster: { ...base.cluster, encryptionAlgorithm: 'ECDSA-P256' },
};

export interface InitHarness {
  readonly host: FakeHost;
  readonly api: FakeApi;
  /** What was printed. */
  readonly printed: readonly string[];
  /** Run these phases in a run of their own, one after the other; the outcome of the last. @throws KbError */
  run(...names: readonly string[]): Promise<PhaseOutcome | void>;
  /** The same as a dry run; the lines of its plan. */
  plan(...names: readonly string[]): Promise<readonly string[]>;
}

export interface InitHarnessOptions {
  readonly spec?: InitSpec;
  readonly settings?: Partial<InitSettings>;
  readonly objects?: readonly KubeObject[];
}

/** A bare host, on which the kubelet starts when it is restarted. */
export function initHarness({ spec = initSpec, settings = {}, objects = [] }: InitHarnessOptions = {}): InitHarness {
  let isKubeletActive = false;
  const host: FakeHost = new FakeHost({
    replies: [
      ['systemctl is-active kubelet', () => (isKubeletActive ? 'active\n' : 'inactive\n')],
      [
        'systemctl restart kubelet',
        () => {
          isKubeletActive = true;
          return '';
        },
      ],
      // A recorder asks for modes and folders.
      [
        /stat -L -c %a/,
        (command) =>
          pathsOf(command)
            .map((path) => modeOf(host, path))
            .join('\n'),
      ],
      [/^test -d /, { code: 1 }],
      [/^test -e /, (command) => ({ code: host.files.has(command.replace('test -e ', '').trim()) ? 0 : 1 })],
      [/crictl/, ''],
    ],
  });
  const api = new FakeApi(objects);
  const printed: string[] = [];
  const context = (isDryRun: boolean, reporter = recordingReporter()): InitContext => ({
    ...runContext(isDryRun ? recordingHost(host, reporter) : host, 'kbinit init'),
    reporter,
    chance: systemRandomSource(),
    startedAt: new Date(),
    spec: { ...spec, isDryRun },
    apis: isDryRun
      ? {
          open: (credentials) => recordingApi({ host: host.name, reporter, credentials, inner: api.open(credentials) }),
        }
      : api,
    settings: {
      uploadCerts: true,
      skipTokenPrint: false,
      skipCertificateKeyPrint: false,
      printManifest: false,
      kubeconfig: '/etc/kubernetes/admin.conf',
      kubeconfigDir: '/etc/kubernetes',
      patches: [],
      flannelBackend: 'vxlan',
      ...settings,
    },
    tokens: [],
    print: (text) => void printed.push(text),
  });
  const through = async (ctx: InitContext, names: readonly string[]): Promise<PhaseOutcome | void> => {
    let outcome: PhaseOutcome | void = 'unchanged';
    for (const name of names) {
      const phase = phaseOf(name);
      outcome = await phase.run(
        ctx,
        (phase.phases ?? []).map((part) => part.name),
      );
    }
    return outcome;
  };
  return {
    host,
    api,
    printed,
    run: (...names) => through(context(false), names),
    async plan(...names) {
      const reporter = recordingReporter();
      await through(context(true, reporter), names);
      return reporter.events.flatMap((event) => (event.kind === 'plan' && event.action !== 'keep' ? [event.text] : []));
    },
  };
}

function phaseOf(name: string): Phase<InitContext> {
  const phase = initPhases.find((one) => one.name === name);
  if (phase === undefined) throw new Error(`init has no phase ${name}`);
  return phase;
}

const pathsOf = (command: string): readonly string[] => /^for p in (.*?); do/s.exec(command)?.[1]?.split(' ') ?? [];
const modeOf = (host: FakeHost, path: string): string =>
  host.files.has(path) ? (host.modes.get(path) ?? 0o644).toString(8) : '-';
