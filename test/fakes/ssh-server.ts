// FakeSsh: an SSH server in this process that lets everybody in and runs nothing; a test says what each command is answered.
import { generateKeyPairSync } from 'node:crypto';
import type { Duplex } from 'node:stream';
import ssh2, { type ServerChannel } from 'ssh2';

/** A framed command (host/frame.ts) as it arrived. */
export interface AskedCommand {
  /** The command line that sshd gets. */
  readonly line: string;
  readonly fence: string;
  readonly channel: ServerChannel;
  /** The script, once all of it and its data are there. */
  readonly script: Promise<string>;
}

export interface FakeSshOptions {
  readonly onCommand: (asked: AskedCommand) => void;
  /** A stream through the host; refused where there is none. */
  readonly onDial?: (stream: Duplex, port: number) => void;
}

export interface FakeSsh {
  readonly port: number;
  stop(): Promise<void>;
}

/** Listen on a free port of 127.0.0.1. */
export async function startFakeSsh({ onCommand, onDial }: FakeSshOptions): Promise<FakeSsh> {
  const { privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'sec1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const server = new ssh2.Server({ hostKeys: [privateKey] }, (client) => {
    client.on('error', () => {});
    client.on('authentication', (context) => context.accept());
    client.on('session', (accept) => {
      accept().on('exec', (acceptExec, _reject, { command }) => {
        const channel = acceptExec();
        channel.on('error', () => {});
        onCommand({
          line: command,
          fence: /([0-9a-f]{24})$/.exec(command)?.[1] ?? '',
          channel,
          script: readScript(channel),
        });
      });
    });
    client.on('tcpip', (accept, reject, { destPort }) => {
      if (onDial === undefined) {
        reject();
        return;
      }
      const stream = accept();
      stream.on('error', () => {});
      onDial(stream, destPort);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return {
    port: address.port,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
      }),
  };
}

/** The header says how long script and data are. Lines before it are passwords. */
function readScript(channel: ServerChannel): Promise<string> {
  return new Promise((resolve) => {
    let bytes = Buffer.alloc(0);
    channel.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      const header = /(?:^|\n)[0-9a-f]{24} (\d+) (\d+)\n/.exec(bytes.toString('latin1'));
      if (header === null) return;
      const from = header.index + header[0].length;
      const [size, data] = [Number(header[1]), Number(header[2])];
      if (bytes.length >= from + size + data) resolve(bytes.toString('utf8', from, from + size));
    });
  });
}

/** Answer a command as the prologue would. */
export function answer(
  { channel, fence }: Pick<AskedCommand, 'channel' | 'fence'>,
  { stdout = '', stderr = '', code = 0 }: { stdout?: string | Buffer; stderr?: string | Buffer; code?: number },
): void {
  begin({ channel, fence });
  channel.write(stdout);
  channel.stderr.write(stderr);
  channel.write(`${fence}>${code}.`);
  channel.stderr.write(`${fence}>`);
  channel.on('end', () => channel.close());
}

/** The begin fences, of a machine with this id. */
export function begin({ channel, fence }: Pick<AskedCommand, 'channel' | 'fence'>): void {
  channel.write(`<${fence}${'1'.repeat(32)}${fence};`);
  channel.stderr.write(`<${fence}${fence};`);
}
