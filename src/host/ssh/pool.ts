// The SSH connections of a run: to its hosts, and to the jump hosts that several of them share.
import type { Transport } from '../host.ts';
import { Connection } from './connection.ts';
import { prepareLogin, type Dial } from './login.ts';
import { sshTarget, type SshOptions, type SshSettings } from './options.ts';
import type { Hop } from './route.ts';
import { provenKeys } from './proven-keys.ts';

/** The jump hosts of a run: one connection to each, shared by all hosts behind it. */
class Bastions {
  readonly #settings: SshSettings;
  readonly #connections = new Map<string, Promise<Connection>>();

  constructor(settings: SshSettings) {
    const { rootfs: _, ...rest } = settings;
    this.#settings = rest;
  }

  /** The connection to the last one of these; undefined for none. */
  async last(hops: readonly Hop[]): Promise<Connection | undefined> {
    if (hops.length === 0) return undefined;
    const key = hops.map(sshTarget).join(' ');
    const existing = this.#connections.get(key);
    if (existing !== undefined) return existing;
    const made = this.#make(hops);
    this.#connections.set(key, made);
    // One that failed is tried again by the next host.
    made.catch(() => this.#connections.delete(key));
    return made;
  }

  async #make(hops: readonly Hop[]): Promise<Connection> {
    const via = hops.slice(0, -1);
    const bastion = await this.last(via);
    const hop = hops.at(-1);
    if (hop === undefined) throw new TypeError('the jump host is missing');
    return new Connection(await prepareLogin({ ...this.#settings, ...hop, via }, dialOf(bastion)));
  }

  async close(): Promise<void> {
    const made = await Promise.allSettled(this.#connections.values());
    // The last one made is the farthest away.
    for (const one of made.toReversed()) if (one.status === 'fulfilled') await one.value.close();
  }
}

/** How hosts behind a jump host are reached. */
function dialOf(bastion: Connection | undefined): Dial | undefined {
  return bastion && ((address, port) => bastion.dial(address, port));
}

/** The SSH connections of a run. */
export interface SshPool {
  /** Log in to a host, check its key first, and find the way to root. @throws KbError KB_SSH_*, KB_SUDO, KB_INTERRUPTED */
  connect(host: Omit<SshOptions, keyof SshSettings>): Promise<Transport>;
  /** The keys that a host has proven to have, judged by nobody; those of jump hosts on the way are. @throws KbError KB_SSH_* */
  hostKeys(host: Omit<SshOptions, keyof SshSettings>): Promise<readonly Buffer[]>;
  /** End the jump hosts' connections; hosts are closed one by one, before. */
  close(): Promise<void>;
}

/** Open a pool. It connects to nothing yet. */
export function openSshPool(settings: SshSettings): SshPool {
  const bastions = new Bastions(settings);
  return {
    async connect(host) {
      const bastion = await bastions.last(host.via ?? []);
      const connection = new Connection(await prepareLogin({ ...settings, ...host }, dialOf(bastion)));
      try {
        await connection.open();
        return connection;
      } catch (error) {
        await connection.close();
        throw error;
      }
    },
    async hostKeys(host) {
      const bastion = await bastions.last(host.via ?? []);
      // No key of ours is opened for it: nobody logs in.
      return provenKeys(
        await prepareLogin({ ...settings, ...host, identityFiles: [], configuredIdentityFiles: [] }, dialOf(bastion)),
      );
    },
    close: () => bastions.close(),
  };
}

/** One host with a pool of its own. @throws KbError KB_SSH_*, KB_SUDO, KB_INTERRUPTED */
export async function connectSsh(options: SshOptions): Promise<Transport> {
  const pool = openSshPool(options);
  try {
    const transport = await pool.connect(options);
    return {
      target: transport.target,
      exec: (command, io) => transport.exec(command, io),
      dial: (address, port) => transport.dial(address, port),
      async close() {
        await transport.close();
        await pool.close();
      },
    };
  } catch (error) {
    await pool.close();
    throw error;
  }
}
