// The hosts of a run: connected to one by one, locked where they are changed, and let go of together.
import { openApi } from '../../cluster/client.ts';
import { openEtcd } from '../../cluster/etcd.ts';
import { PlannedCluster } from '../../cluster/planned.ts';
import { recordingApi } from '../../cluster/recording.ts';
import { recordingEtcd } from '../../cluster/recording-etcd.ts';
import type { ApiOpener, EtcdOpener } from '../../cluster/types.ts';
import type { Host, HostView, Transport } from '../../host/host.ts';
import { localTransport } from '../../host/local.ts';
import { lockedHost, noLock, takeLock, type HostLock } from '../../host/lock.ts';
import { openHost } from '../../host/remote.ts';
import { recordingHost } from '../../host/recording.ts';
import type { Target } from '../../host/ssh/target.ts';
import type { Operator } from '../../phases/context.ts';
import type { Reporter } from '../../report/events.ts';
import { runnerFor } from './runner-identity.ts';
import type { SshSession } from './ssh-session.ts';

/** A host, and what is reached through its connection. */
export interface Reached<H extends HostView = Host> {
  readonly host: H;
  /** The address the host was reached at; undefined on this machine. */
  readonly reachedAddress?: string;
  readonly reachedPort?: number;
  /** Missing on this machine. */
  readonly operator?: Operator;
  readonly apis: ApiOpener;
  readonly etcds: EtcdOpener;
  /** Keeps other runs off the host, where this one changes it. */
  readonly lock: HostLock;
  /** Rejects when the time for the run is up and the host hangs. */
  readonly overdue: Promise<never>;
}

/** What a command does to a host: changes are made under the host's lock, and not in a dry run. */
export type HostUse = 'read' | 'write';

/** Without the lock a host can only be looked at. */
export type HostFor<U extends HostUse> = U extends 'write' ? Host : HostView;

/** What reaching a host takes from its run. */
export interface Run {
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
  readonly overdue: Promise<never>;
  readonly ssh: SshSession;
  readonly isDryRun: boolean;
  /** What this machine is called. */
  readonly name: string;
  /** This machine's root, where another than its own is worked on. */
  readonly rootfs: string | undefined;
  /** The command line, without secrets. */
  readonly command: string;
}

export interface Hosts {
  /** Connect; undefined: this machine. @throws KbError KB_SSH_*, KB_SUDO */
  reach<U extends HostUse>(to: Target | undefined, use: U): Promise<Reached<HostFor<U>>>;
  /** Let go of all of them. */
  close(): Promise<void>;
}

/** Open none of them yet. */
export function openHosts(run: Run): Hosts {
  const { ssh, name } = run;
  const transports: Transport[] = [];
  // By address: a run may reach one host twice, in two roles, and must not keep itself out.
  const locks = new Map<string, HostLock>();
  /** Where nothing is done: what the cluster will be. */
  const planned = run.isDryRun ? new PlannedCluster() : undefined;
  let isOver = false;
  return {
    async reach<U extends HostUse>(to: Target | undefined, use: U): Promise<Reached<HostFor<U>>> {
      const route = to === undefined ? undefined : await ssh.route(to);
      const transport = route === undefined ? localTransport(name, run.rootfs) : await ssh.connect(route);
      // The run has ended while the host was being reached: nobody is left to close it.
      if (isOver) await transport.close();
      else transports.push(transport);
      const hostName = route?.name ?? name;
      const isLocked = use === 'write' && !run.isDryRun && !isOver;
      const place = route === undefined ? '' : `${route.host} ${route.port}`;
      const lock = isLocked ? (locks.get(place) ?? lockOf(transport, hostName, run)) : noLock;
      if (isLocked) locks.set(place, lock);
      const where = route === undefined ? {} : { reachedAddress: route.host, reachedPort: route.port };
      return { ...reached(transport, hostName, lock, { ...run, planned }), ...where };
    },
    async close() {
      isOver = true;
      // A lock that waits for its host to come back is let go of with the connection.
      const released = [...locks.values()].map((lock) => lock.release());
      await Promise.allSettled(transports.map((transport) => transport.close()));
      await Promise.allSettled(released);
      await ssh.close();
    },
  };
}

function lockOf(transport: Transport, name: string, { reporter, command }: Run): HostLock {
  const warn = (text: string): void => reporter.emit({ kind: 'warning', host: name, text });
  return takeLock(transport, { name, owner: { identity: runnerFor(name).identity, command }, warn });
}

/** What a command works with on one host; in a dry run all of it records. */
function reached(
  transport: Transport,
  name: string,
  lock: HostLock,
  { reporter, signal, overdue, planned }: Run & { readonly planned: PlannedCluster | undefined },
): Reached {
  const real = openHost(transport, { name, reporter });
  const host = planned !== undefined ? recordingHost(real, reporter) : lock === noLock ? real : lockedHost(real, lock);
  return {
    host,
    lock,
    overdue,
    apis: planned === undefined ? liveApis(host, reporter, signal) : dryApis(host, reporter, signal, planned),
    etcds: {
      open: (credentials) => {
        // A connection that is being made again, and its lock, have their own patience.
        const etcd = openEtcd((a, p) => host.dial(a, p), credentials, { ready: () => lock.held() });
        return planned === undefined ? etcd : recordingEtcd(etcd, { host: host.name, reporter, planned });
      },
    },
  };
}

function liveApis(host: Host, reporter: Reporter, signal: AbortSignal): ApiOpener {
  return {
    open: (credentials, { callSeconds = 60 } = {}) =>
      openApi({ ...credentials, dial: (a, p) => host.dial(a, p), host: host.name, reporter, signal, callSeconds }),
  };
}

/** Reads reach a server that is there; nothing waits for one that is not. */
function dryApis(host: Host, reporter: Reporter, signal: AbortSignal, planned: PlannedCluster): ApiOpener {
  const live = liveApis(host, reporter, signal);
  return {
    open: (credentials) =>
      recordingApi({
        host: host.name,
        reporter,
        credentials,
        planned,
        inner: live.open(credentials, { callSeconds: 1 }),
      }),
  };
}
