// SSH for one run of a command: flags and ~/.ssh/config say how hosts are reached, jump hosts are shared.
import { homedir } from 'node:os';
import type { Transport } from '../../host/host.ts';
import type { SshPool } from '../../host/ssh/pool.ts';
import type { SshConfig } from '../../host/ssh/config-files.ts';
import type { SshSettings } from '../../host/ssh/options.ts';
import type { Route } from '../../host/ssh/route.ts';
import type { Target } from '../../host/ssh/target.ts';
import type { Reporter } from '../../report/events.ts';
import { addSecret } from '../../report/redact.ts';
import { askSecret } from './prompt.ts';

/** The flags about SSH, as commander gives them. */
export interface SshFlags {
  readonly identityFile?: readonly string[];
  readonly sshConfig?: string;
  readonly knownHosts?: string;
  readonly acceptNewHostKeys?: boolean;
  readonly sshTimeout?: number;
  readonly reconnectTimeout?: number;
  readonly rootfs?: string;
}

/** What a run gives to its SSH. */
export interface SshRun {
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
  /** ReportedError with warnings about the configuration. */
  readonly name: string;
  /** Run something that asks on the terminal. */
  readonly aside: <T>(talk: () => Promise<T>) => Promise<T>;
}

export interface SshSession {
  /** How a host is reached. @throws KbError KB_SSH_CONFIG */
  route(target: Target): Promise<Route>;
  connect(route: Route): Promise<Transport>;
  /** The keys that a host shows; nobody logs in to it. */
  hostKeys(route: Route): Promise<readonly Buffer[]>;
  /** What connections of this run have in common. */
  readonly settings: SshSettings;
  close(): Promise<void>;
}

/** Open it; nothing is read or loaded before the first host. */
export function openSsh(flags: SshFlags, run: SshRun): SshSession {
  const { reporter, signal } = run;
  const agentSocket = process.env['SSH_AUTH_SOCK'];
  const warn = (text: string): void => reporter.emit({ kind: 'warning', host: run.name, text });
  const settings: SshSettings = {
    homeDirectory: homedir(),
    acceptNewHostKeys: flags.acceptNewHostKeys === true,
    reporter,
    signal,
    ...(flags.knownHosts === undefined ? {} : { knownHostsFile: flags.knownHosts }),
    ...(flags.reconnectTimeout === undefined ? {} : { reconnectTimeoutSeconds: flags.reconnectTimeout }),
    ...(flags.rootfs === undefined ? {} : { rootfs: flags.rootfs }),
    ...(process.stdin.isTTY ? { ask: (question) => run.aside(() => askForSecret(question)) } : {}),
  };
  let config: Promise<SshConfig> | undefined;
  let pool: Promise<SshPool> | undefined;
  // ssh2 is only loaded where a host is reached by SSH.
  const opened = (): Promise<SshPool> =>
    (pool ??= import('../../host/ssh/pool.ts').then(({ openSshPool }) => openSshPool(settings)));
  return {
    settings,
    async route(target) {
      const [{ openSshConfig }, { findRoute }] = await Promise.all([
        import('../../host/ssh/config-files.ts'),
        import('../../host/ssh/route.ts'),
      ]);
      config ??= openSshConfig({
        homeDirectory: homedir(),
        warn,
        ...(flags.sshConfig === undefined ? {} : { file: flags.sshConfig }),
      });
      return findRoute(target, {
        config: await config,
        warn,
        flags: {
          ...(flags.identityFile === undefined ? {} : { identityFiles: flags.identityFile }),
          ...(flags.sshTimeout === undefined ? {} : { connectTimeoutSeconds: flags.sshTimeout }),
          ...(agentSocket === undefined ? {} : { agentSocket }),
        },
      });
    },
    connect: async (route) => (await opened()).connect(route),
    hostKeys: async (route) => (await opened()).hostKeys(route),
    async close() {
      await (await pool)?.close();
    },
  };
}

/** A password or passphrase; from then on it is masked wherever it would show. */
async function askForSecret(question: string): Promise<string> {
  const answer = await askSecret(question);
  addSecret(answer);
  return answer;
}
