// A real sshd on 127.0.0.1 for tests, with keys and configuration of its own in a temporary folder.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { isMissing } from '../../../programs.ts';

const binary = '/usr/sbin/sshd';

/** sshd needs root for its privilege separation. */
export const canRunSshd: boolean = !isMissing(binary) && process.getuid?.() === 0;

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => {
    server.close(resolve);
  });
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

export interface Sshd {
  readonly folder: string;
  readonly port: number;
  /** A private key that may log in; beside it KEY.pub. */
  readonly key: string;
  /** The home folder of the sessions and of the client: no known_hosts, no keys, no .bashrc. */
  readonly home: string;
  /** `type base64` of a host key. */
  hostKey(type: 'ed25519' | 'ecdsa'): string;
  log(): string;
  stop(): Promise<void>;
}

export function makeKey(file: string, type: string, passphrase = ''): void {
  execFileSync('ssh-keygen', ['-q', '-t', type, '-N', passphrase, '-C', 'kbinit-test', '-f', file]);
}

export interface SshdOptions {
  readonly hostKeys?: readonly ('ed25519' | 'ecdsa')[];
  /** Lines that go before the usual ones: sshd takes the first value of each. */
  readonly config?: string;
  /** The Ed25519 host key also gets a certificate, for these principals and times (ssh-keygen -V). */
  readonly certificate?: { readonly principals: string; readonly validity: string };
  /** What its sessions read in /etc/machine-id; the file `machine-id` of the folder changes it. */
  readonly machineId?: string;
}

/** Start one and wait until it listens. */
export async function startSshd({
  hostKeys = ['ed25519', 'ecdsa'],
  config = '',
  certificate,
  machineId,
}: SshdOptions = {}): Promise<Sshd> {
  const folder = mkdtempSync(join(tmpdir(), 'kbinit-sshd-'));
  const at = (name: string): string => join(folder, name);
  mkdirSync(at('home'));
  mkdirSync('/run/sshd', { recursive: true });
  makeKey(at('id'), 'ed25519');
  copyFileSync(at('id.pub'), at('authorized'));
  for (const type of hostKeys) makeKey(at(`host-${type}`), type);
  if (certificate !== undefined) {
    const { principals, validity } = certificate;
    makeKey(at('ca'), 'ed25519');
    const flags = ['-q', '-s', at('ca'), '-I', 'test', '-h', '-n', principals, '-V', validity];
    execFileSync('ssh-keygen', [...flags, at('host-ed25519.pub')]);
  }
  const port = await freePort();
  const lines = [
    config,
    ...(certificate === undefined ? [] : [`HostCertificate ${at('host-ed25519-cert.pub')}`]),
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    ...hostKeys.map((type) => `HostKey ${at(`host-${type}`)}`),
    `AuthorizedKeysFile ${at('authorized')}`,
    `SetEnv HOME=${at('home')}`,
    'StrictModes no',
    'UsePAM no',
    'PermitRootLogin yes',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'LogLevel DEBUG2',
    'PidFile none',
  ];
  writeFileSync(at('config'), `${lines.join('\n')}\n`);
  const command = [binary, '-D', '-f', at('config'), '-E', at('log')];
  if (machineId !== undefined) {
    writeFileSync(at('machine-id'), `${machineId}\n`);
    const disguised = 'mount --bind "$0" /etc/machine-id && exec "$@"';
    command.unshift('unshare', '-m', 'sh', '-c', disguised, at('machine-id'));
  }
  const [program = '', ...words] = command;
  const child: ChildProcess = spawn(program, words, { stdio: 'ignore' });
  process.once('exit', () => child.kill()); // a test that fails does not get to stop()
  const log = (): string => (existsSync(at('log')) ? readFileSync(at('log'), 'utf8') : '');
  while (!log().includes('Server listening')) {
    if (child.exitCode !== null) throw new Error(`sshd did not start: ${log()}`);
    await wait(20);
  }
  return {
    folder,
    port,
    key: at('id'),
    home: at('home'),
    hostKey: (type) =>
      readFileSync(at(`host-${type}.pub`), 'utf8')
        .split(' ')
        .slice(0, 2)
        .join(' '),
    log,
    async stop() {
      child.kill();
      if (child.exitCode === null) await new Promise((resolve) => void child.once('exit', resolve));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A wire to a port that can be cut, or go silent without closing. */
export interface Wire {
  readonly port: number;
  cut(): void;
  silence(): void;
  readonly connections: number;
  stop(): Promise<void>;
}

export async function wireTo(target: number): Promise<Wire> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((near) => {
    connections++;
    const far = connect(target, '127.0.0.1');
    for (const socket of [near, far]) {
      socket.setNoDelay(true);
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        near.destroy();
        far.destroy();
      });
    }
    near.pipe(far);
    far.pipe(near);
  });
  const port = await freePort();
  await new Promise<void>((resolve) => {
    server.listen(port, '127.0.0.1', resolve);
  });
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  return {
    port,
    cut,
    silence() {
      for (const socket of sockets) {
        socket.unpipe();
        socket.pause();
      }
    },
    get connections() {
      return connections;
    },
    async stop() {
      cut();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
}
