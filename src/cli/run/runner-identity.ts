// Who this process is to other machines: a name for the turn it takes, and whether another of this machine is dead.
import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';

export interface Runner {
  /** `ann@laptop pid 4711 [3f2a9c01] for master2` */
  readonly identity: string;
  /** True only for a process that is proven to be gone. */
  readonly isDead: (identity: string) => boolean;
}

/** What is asked of the system; tests have their own. */
export interface RunnerSystem {
  readonly user: string;
  readonly host: string;
  readonly pid: number;
  /** Which processes the pid counts among: this boot of this machine and this container; undefined where none can tell. */
  readonly mark: string | undefined;
  readonly isAlive: (pid: number) => boolean;
}

/** This process, working on a node. Host names are not unique, so only a process of the same mark is looked up. */
export function runnerFor(node: string, system: RunnerSystem = thisSystem()): Runner {
  const { user, host, pid, mark } = system;
  return {
    identity: `${user}@${host} pid ${pid}${mark === undefined ? '' : ` [${mark}]`} for ${node}`,
    isDead(identity) {
      const [, other, theirs] = / pid (\d+) \[(\w+)\] for /.exec(identity) ?? [];
      return mark !== undefined && theirs === mark && !system.isAlive(Number(other));
    },
  };
}

function thisSystem(): RunnerSystem {
  return { user: userInfo().username, host: hostname(), pid: process.pid, mark: processesMark(), isAlive };
}

function processesMark(): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8');
    return createHash('sha256')
      .update(`${boot}${readlinkSync('/proc/self/ns/pid')}`)
      .digest('hex')
      .slice(0, 8);
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}
