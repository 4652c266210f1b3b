/** Owns the lab's command line: `npm run lab -- up | down | ssh | kubectl | status | build | packages`. */
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { ensurePackages, NotInstallable } from './apt.ts';
import { ensureCache } from './build.ts';
import { packageUsers, type PackageUser } from './debian-packages.ts';
import { enterArgs, readPid } from './enter.ts';
import { hostPaths } from './host-files.ts';
import { hostKinds, isHostKind, type HostKind } from './kinds.ts';
import { attachLab, labCacheDir, openLab, type Lab, type LabOptions } from './lab.ts';
import { containersOf } from './podman.ts';
import { table, timedReport } from './progress.ts';
import { labPaths } from './state.ts';
import { defaultNames, type HostWish } from './topology.ts';

const usage = `npm run lab -- COMMAND [--prefix NAME] [--subnet A.B.C.0/24]

  up [HOST[=ADDRESS]…]   bring hosts up; without names the default seven: ${defaultNames.join(' ')}
      --kind KIND        of what they are made: ${hostKinds.join(', ')}
      --bare             the same as --kind bare: sshd and nothing of Kubernetes or containerd
      --no-images        ready hosts with an empty containerd
  down [HOST…]           remove hosts; without names everything the lab made
  ssh HOST [COMMAND…]    log in as root, or run a command
  kubectl ARGS…          run master1's kubectl with its admin.conf
  status                 show the hosts
  build                  only fill the cache
  packages WHO…          only install the Debian packages of ${packageUsers.join(', ')}; exit code 2 where
                         that cannot be done (no Debian, no root)

--prefix is lab and --subnet 192.168.3.0/24 unless said otherwise; the cache is ${labCacheDir()} (KBINIT_LAB).
Options come before the command's own words for ssh and kubectl.
`;

async function main(words: readonly string[]): Promise<number> {
  const { own, rest } = splitWords(words);
  const { values, positionals } = parseArgs({
    args: own,
    allowPositionals: true,
    options: {
      prefix: { type: 'string' },
      subnet: { type: 'string' },
      kind: { type: 'string' },
      bare: { type: 'boolean' },
      'no-images': { type: 'boolean' },
    },
  });
  const [command = 'help', ...names] = positionals;
  const options: LabOptions = {
    ...(values.prefix === undefined ? {} : { prefix: values.prefix }),
    ...(values.subnet === undefined ? {} : { subnet: values.subnet }),
    kind: readKind(values.kind ?? (values.bare === true ? 'bare' : 'ready')),
    onProgress: (line) => console.error(line),
  };
  const attach = (): Promise<Lab> =>
    attachLab(
      options,
      timedReport((line) => console.error(line)),
    );
  switch (command) {
    case 'up': {
      const lab = await openLab(options);
      await lab.up((names.length > 0 ? names : defaultNames).map((name) => wish(name, values['no-images'] === true)));
      return showStatus(lab);
    }
    case 'down':
      await (await attach()).down(names.length > 0 ? names : undefined);
      return 0;
    case 'ssh':
      return ssh(await attach(), rest);
    case 'kubectl':
      return kubectl(await attach(), rest);
    case 'status':
      return showStatus(await attach());
    case 'build':
      await ensureCache(
        timedReport((line) => console.error(line)),
        'tests',
      );
      return 0;
    case 'packages':
      await ensurePackages(
        names.map(readUser),
        timedReport((line) => console.error(line)),
      );
      return 0;
    default:
      console.error(usage);
      return command === 'help' ? 0 : 1;
  }
}

/** What comes after ssh and kubectl is theirs, options and all. */
function splitWords(words: readonly string[]): { own: string[]; rest: string[] } {
  const at = words.findIndex((word) => word === 'ssh' || word === 'kubectl');
  return at < 0 ? { own: [...words], rest: [] } : { own: words.slice(0, at + 1), rest: words.slice(at + 1) };
}

function readKind(word: string): HostKind {
  if (isHostKind(word)) return word;
  throw new Error(`there are no hosts of the kind ${word}, only ${hostKinds.join(', ')}`);
}

function readUser(word: string): PackageUser {
  const user = packageUsers.find((one) => one === word);
  if (user === undefined) throw new Error(`packages are listed for ${packageUsers.join(', ')}, not for ${word}`);
  return user;
}

function wish(word: string, isEmpty: boolean): HostWish {
  const [name = '', address] = word.split('=');
  return { name, ...(address === undefined ? {} : { address }), ...(isEmpty ? { images: false } : {}) };
}

async function showStatus(lab: Lab): Promise<number> {
  const containers = new Map((await containersOf(lab.name)).map(({ id, isRunning }) => [id, isRunning]));
  const shown = lab.hosts().map(({ name, address, containerId }) => {
    const isRunning = containers.get(containerId);
    return [
      name,
      address,
      isRunning === undefined ? 'gone' : isRunning ? 'running' : 'stopped',
      containerId.slice(0, 12),
    ];
  });
  if (shown.length === 0) console.log(`lab ${lab.name} has no hosts`);
  else table([['HOST', 'ADDRESS', 'STATE', 'CONTAINER'], ...shown]).forEach((line) => console.log(line));
  return 0;
}

async function ssh(lab: Lab, [name = '', ...command]: readonly string[]): Promise<number> {
  const { address } = lab.host(name);
  const files = ['-i', lab.identityFile, '-o', `UserKnownHostsFile=${lab.knownHostsFile}`];
  const strict = ['-o', 'IdentitiesOnly=yes', '-o', 'StrictHostKeyChecking=yes', '-o', 'LogLevel=ERROR'];
  return interactive('ssh', [...files, ...strict, `root@${address}`, ...command]);
}

async function kubectl(lab: Lab, args: readonly string[]): Promise<number> {
  const pid = await readPid(hostPaths(labPaths(lab.name), lab.host('master1').name).pidFile);
  const env = { KUBECONFIG: '/etc/kubernetes/admin.conf', TERM: process.env['TERM'] ?? 'dumb' };
  return interactive('nsenter', enterArgs(pid, ['kubectl', ...args], env));
}

function interactive(program: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'inherit' });
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 137));
  });
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`lab: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = error instanceof NotInstallable ? 2 : 1;
}
