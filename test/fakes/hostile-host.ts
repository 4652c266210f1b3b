// HostileHost: an SSH server that lets everybody in and answers each command with what a host must not be believed.
import { createServer, type Server } from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { readCommand } from '../../src/host/files.ts';
import { factsScript } from '../../src/host/facts.ts';
import { answer, begin, startFakeSsh, type AskedCommand } from './ssh-server.ts';

/** How it answers one command. */
type Manner = (asked: AskedCommand) => void;

/** The same for every command. */
const says =
  (stdout: string | Buffer, code = 0, stderr: string | Buffer = ''): Manner =>
  (asked) =>
    answer(asked, { stdout, stderr, code });

function endless(asked: AskedCommand, text: string): void {
  const chunk = Buffer.from(text.repeat(Math.ceil(32_768 / text.length)));
  const { channel } = asked;
  const more = (): void => {
    if (channel.destroyed || !channel.writable) return;
    if (channel.write(chunk)) setImmediate(more);
    else channel.once('drain', more);
  };
  more();
}

const escapes = '\u001B]0;PWNED\u0007\u001B[2J\u001B[31mred\u009B31m \u202Egnp.exe\u2066\u0000\r';
/** Ten levels of ten aliases: 10^10 values. */
const yamlBomb = `a: &a [x,x,x,x,x,x,x,x,x,x]\n${'b c d e f g h i j'
  .split(' ')
  .map((name, index) => {
    const before = 'abcdefghij'[index] ?? 'a';
    return `${name}: &${name} [${Array.from({ length: 10 }, () => `*${before}`).join(',')}]`;
  })
  .join('\n')}\n`;
const jsonBomb = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
const wrongTypes = JSON.stringify({
  apiVersion: 7,
  kind: ['x'],
  metadata: null,
  items: { a: 1 },
  spec: 'x',
  status: [null],
  data: 5,
  format: 1,
  entries: [{ kind: 'file' }, { kind: 'unit', unit: 7 }, { kind: 'swap' }, { kind: 'firewall', zone: {} }],
  makes: [{}, null],
  clusters: 'x',
  users: [null, { name: 1, user: 2 }],
  contexts: [{ context: 'x' }],
});

/** What may stand in any answer, whatever was asked. */
const texts: Readonly<Record<string, string | Buffer>> = {
  nothing: '',
  escapes: `${escapes}\n`.repeat(50),
  commas: 'a,b=https://evil:1,c;d|e&f $(id) `id` ../../etc\n'.repeat(50),
  blanks: ' '.repeat(200_000),
  'empty lines': '\n'.repeat(200_000),
  'bytes that are no text': Buffer.from(Array.from({ length: 4096 }, (_, index) => (index * 7919) % 256)),
  'a YAML bomb': yamlBomb,
  'a JSON bomb': jsonBomb,
  'a list': '[1,null,"x",[]]\n',
  null: 'null\n',
  'wrong types': wrongTypes,
  'huge numbers': '99999999999999999999999999999999 -1 1e999 Infinity NaN 0x7fffffffffffffff\n'.repeat(50),
  'one long line': 'x'.repeat(200_000),
};

/** Ways that are no text. */
const ways: Readonly<Record<string, Manner>> = {
  'without end': (asked) => {
    begin(asked);
    endless(asked, 'y\n');
  },
  'without end before it begins': (asked) => endless(asked, `${escapes}\n`),
  'with the end of file': (asked) => {
    begin(asked);
    asked.channel.close();
  },
  'with nothing but the end of file': ({ channel }) => channel.close(),
  'with an exit code of 255 and escapes': says(`${escapes}\n`, 255, `${escapes}\n`.repeat(100)),
  'with an exit code of 0 and a warning': says('', 0, `${escapes}\n`),
  never: () => undefined,
};

/** A host that is one as long as nothing but facts is asked. */
const facts = `clock 1795000000
uname evil 6.1.0 x86_64
cpus 4
cgroup 2
os ID=debian
os VERSION_ID="12"
machine-id ${'1'.repeat(32)}
memory MemTotal:        8000000 kB
route4 eth0	00000000	0101A8C0	0003	0	0	0	00000000	0	0	0
ip 2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500
ip     inet 192.168.1.2/24 brd 192.168.1.255 scope global eth0
socket /var/run/containerd/containerd.sock
kubelet Kubernetes v1.36.3
`;

const reader = readCommand([]).text.replace(/^set -- *; /, '');

/** Files that are read come as they must, with this in each of them. */
function filesOf(content: string | Buffer): Manner {
  return (asked) => {
    void asked.script.then((script) => {
      const count = script.slice('set -- '.length, script.indexOf('; ')).split(' ').length;
      const base64 = Buffer.from(content).toString('base64');
      answer(asked, { stdout: Array.from({ length: count }, (_, index) => `${index} ${base64}\n`).join('') });
    });
  };
}

/** By what is asked. */
function byQuestion(manner: Manner, readFiles: Manner = manner): Manner {
  return (asked) => {
    void asked.script.then((script) => {
      if (script === factsScript.text) answer(asked, { stdout: facts });
      else if (script.startsWith('folder=') && script.includes('flock')) {
        begin(asked);
        asked.channel.write('held\n');
      } else if (script.includes('machine-id') && script.length < 20) manner(asked);
      else if (script.endsWith(reader)) readFiles(asked);
      else manner(asked);
    });
  };
}

const hostileKubeconfig = (port: number): string => `apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "http://127.0.0.1:${port}"}}]
users: [{name: u, user: {token: x}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
`;

/** Every manner by its name; `port` is where a stream through the host finds the hostile server. */
export function manners(port: number): ReadonlyMap<string, Manner> {
  const all = Object.entries(texts);
  return new Map<string, Manner>([
    ...Object.entries(ways),
    ...all.map(([name, text]) => [`with ${name}`, says(text)] as const),
    ...Object.entries(ways).map(([name, manner]) => [`after its facts ${name}`, byQuestion(manner)] as const),
    ...all.map(([name, text]) => [`after its facts with ${name}`, byQuestion(says(text))] as const),
    ...all.map(([name, text]) => [`in files with ${name}`, byQuestion(says(''), filesOf(text))] as const),
    ['as a cluster', byQuestion(says(''), filesOf(hostileKubeconfig(port)))],
  ]);
}

export interface HostileHost {
  readonly port: number;
  /** Commands that it was asked since the last call. */
  asked(): number;
  behave(manner: string): void;
  stop(): Promise<void>;
}

/** Start one. What is dialled through it is answered with a text of the list, one after the other. */
export async function startHostileHost(): Promise<HostileHost> {
  const bodies = Object.values(texts);
  let turn = 0;
  const web: Server = createServer((_request, response) => {
    response.writeHead([200, 201, 404, 409, 500][turn % 5] ?? 200, { 'content-type': 'application/json' });
    response.end(bodies[turn++ % bodies.length]);
  });
  await new Promise<void>((resolve) => {
    web.listen(0, '127.0.0.1', resolve);
  });
  const address = web.address();
  const webPort = typeof address === 'object' && address !== null ? address.port : 0;
  const all = manners(webPort);
  let manner: Manner = says('');
  let count = 0;
  const onDial = (stream: Duplex): void => {
    const socket = connect(webPort, '127.0.0.1');
    socket.on('error', () => stream.destroy());
    stream.pipe(socket).pipe(stream);
  };
  const server = await startFakeSsh({
    onDial,
    onCommand: (asked) => {
      count++;
      manner(asked);
    },
  });
  return {
    port: server.port,
    asked: () => {
      const before = count;
      count = 0;
      return before;
    },
    behave: (name) => {
      manner = all.get(name) ?? says('');
    },
    async stop() {
      await server.stop();
      web.closeAllConnections();
      web.close();
    },
  };
}
