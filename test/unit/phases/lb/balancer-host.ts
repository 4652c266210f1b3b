// A host with haproxy as far as the phases of `lb apply` look at it: package, service, file, listening port.
import { FakeHost, recordingReporter } from '../../../fakes/host.ts';
import { runAll, runContext } from '../../../fakes/run.ts';
import type { RunEvent } from '../../../../src/report/events.ts';
import type { LbContext } from '../../../../src/phases/lb/context.ts';
import { lbPhases } from '../../../../src/phases/lb/index.ts';
import { haproxyPath } from '../../../../src/manifests/haproxy.ts';

export interface HostState {
  /** What `command -v` finds. */
  readonly programs?: readonly string[];
  readonly isActive?: boolean;
  readonly isEnabled?: boolean;
  readonly config?: string;
  /** The file is the one that came with the package. */
  readonly isPackaged?: boolean;
  /** What haproxy says to a configuration; exit code 0 when undefined. */
  readonly complaint?: string;
  /** Who listens on 6443 before anything is done. */
  readonly listener?: string;
  /** systemctl cannot load the new configuration. */
  readonly failsToLoad?: boolean;
  /** An earlier run was cut before the service knew its new file. */
  readonly isHalfDone?: boolean;
}

export interface BalancerHost {
  readonly host: FakeHost;
  readonly events: readonly RunEvent[];
  /** Run `lb apply` with one backend. */
  apply(options?: { readonly isForced?: boolean; readonly isDryRun?: boolean }): Promise<void>;
  /** Commands that changed something. */
  changes(): readonly string[];
}

/** Make it. */
export function balancerHost(state: HostState = {}): BalancerHost {
  const service = { active: state.isActive ?? false, enabled: state.isEnabled ?? false };
  const programs = new Set(state.programs ?? ['haproxy', 'apt-get']);
  let listener = state.listener;
  const host = new FakeHost({
    name: 'lb',
    files: {
      ...(state.config === undefined ? {} : { [haproxyPath]: state.config }),
      ...(state.isHalfDone === true ? { '/run/kbinit-haproxy-pending': '' } : {}),
    },
    replies: [
      // The survey names tools that others of these are about.
      ['@@kbinit', () => surveyAnswer(listener)],
      ['command -v "$name"', () => [...programs].join('\n')],
      [
        'apt-get install',
        () => {
          programs.add('haproxy');
          return '';
        },
      ],
      ['yum install', { code: 1, stderr: 'Error: Nothing to do\n' }],
      ['Conffiles', () => ({ code: state.isPackaged === true ? 0 : 1 })],
      [
        'file=$folder/candidate',
        () => {
          if (!programs.has('haproxy')) return { code: 127 };
          return state.complaint === undefined ? '' : { code: 1, stderr: state.complaint };
        },
      ],
      ['is-active', () => `${service.active ? 'active' : 'inactive'}\n${service.enabled ? 'enabled' : 'disabled'}\n`],
      [
        'systemctl enable',
        () => {
          service.enabled = true;
          return '';
        },
      ],
      [
        /systemctl (?:reload|restart|stop|reload-or-restart) haproxy/,
        (command) => {
          if (state.failsToLoad === true && /reload haproxy|restart haproxy/.test(command)) {
            return { code: 1, stderr: 'Job for haproxy.service failed.\n' };
          }
          service.active = !command.includes('stop');
          if (service.active) listener = 'haproxy';
          return '';
        },
      ],
      ['journalctl', 'cannot bind socket\n'],
    ],
  });
  host.modes.set(haproxyPath, 0o644);
  const reporter = recordingReporter();
  return {
    host,
    events: reporter.events,
    async apply({ isForced = false, isDryRun = false } = {}) {
      const backends = [{ name: 'master1', address: '192.168.3.29', port: 6443 }];
      const ctx: LbContext = {
        ...runContext(host, 'kbinit lb apply'),
        reporter,
        signal: AbortSignal.timeout(300),
        spec: { balancer: { bind: '*', port: 6443, backends }, isDryRun, isForced, skipPhases: [] },
      };
      await runAll(lbPhases, ctx);
    },
    changes: () => host.ran.flatMap(({ command, why }) => (why === undefined ? [] : [command])),
  };
}

function surveyAnswer(listener: string | undefined): string {
  const row = '   0: 00000000:192B 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 777 1';
  const rows = listener === undefined ? [] : [row];
  const owner = ['99', listener ?? '', `/usr/sbin/${listener}`, 'lrwx------ 1 0 0 64 Jan 1 00:00 5 -> socket:[777]'];
  return [
    '@@kbinit:identity',
    '0',
    'Linux',
    '@@kbinit:listeners',
    ...rows,
    ...(listener === undefined ? [] : ['@@kbinit:owners', ...owner]),
    '@@kbinit:end',
    '',
  ].join('\n');
}
