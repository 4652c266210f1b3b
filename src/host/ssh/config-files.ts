// The SSH configuration of the machine that runs kbinit: exactly through `ssh -G`, or by the own reading of the files.
import { execFile } from 'node:child_process';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import {
  commandLines,
  evaluateConfig,
  isRestricting,
  keywordsOf,
  placesOf,
  saysSomething,
  toHostConfig,
  type Asked,
  type HostConfig,
  type Ourselves,
} from './config.ts';
import { configProblem, keywordOf, readConfigLines, systemConfig, type ConfigLine } from './config-lines.ts';

export interface ConfigOptions {
  /** `none`: no file at all; a path: that file alone; undefined: the user's and the system's. */
  readonly file?: string;
  readonly homeDirectory: string;
  readonly warn: (text: string) => void;
  /** The program to ask; for tests. */
  readonly program?: string;
}

/** What the files say about each host; they are read once. */
export interface SshConfig {
  for(asked: Asked): Promise<HostConfig>;
}

/** What `ssh -G` printed, or undefined where there is no ssh. */
async function askProgram(program: string, file: string | undefined, asked: Asked): Promise<string | undefined> {
  const args = [
    '-G',
    ...(file === undefined ? [] : ['-F', file]),
    ...(asked.user === undefined ? [] : ['-l', asked.user]),
    ...(asked.port === undefined ? [] : ['-p', String(asked.port)]),
    '--',
    asked.alias,
  ];
  return new Promise((resolve, reject) => {
    execFile(program, args, { timeout: 10_000 }, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      if (error.code === 'ENOENT') return resolve(undefined);
      const said = stderr.replace(/^Pseudo-terminal .*\n/m, '').trim();
      return reject(
        configProblem(
          `ssh -G ${asked.alias}: ${said === '' ? error.message : said}`,
          'correct it, name another file with --ssh-config FILE, or go without: --ssh-config none',
        ),
      );
    });
  });
}

/** The files that ssh tries when nobody names one (readconf.c fill_default_options). */
const defaultIdentities: ReadonlySet<string> = new Set(
  ['rsa', 'ecdsa', 'ecdsa_sk', 'ed25519', 'ed25519_sk', 'xmss', 'dsa'].map((type) => `~/.ssh/id_${type}`),
);

/** Read what `ssh -G` printed. `own` is our reading of the same files: it knows where a path with a blank ends. */
function readProgram(
  text: string,
  own: HostConfig,
  asked: Asked,
  ourselves: Ourselves,
  files: readonly (readonly ConfigLine[])[],
): HostConfig {
  const values = new Map<string, string[]>();
  const said = keywordsOf(files.flat());
  for (const line of text.split('\n')) {
    const [, name, value] = /^(\w+) (.*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) continue;
    const keyword = keywordOf(name);
    // Its defaults are those of this ssh, and not kbinit's.
    if (isRestricting(keyword) && !said.has(keyword)) continue;
    values.set(keyword, [...(values.get(keyword) ?? []), value]);
  }
  const identities = values.get('identityfile') ?? [];
  if (identities.every((file) => defaultIdentities.has(file))) values.delete('identityfile');
  const list = (keyword: string): readonly (readonly string[])[] => {
    const found = values.get(keyword) ?? [];
    return /^(?:(?:user|global)knownhostsfile|revokedhostkeys)$/.test(keyword)
      ? found.map((value) => value.split(' '))
      : found.map((value) => [value]);
  };
  const where = (keyword: string): string => placesOf(files, keyword);
  const config = toHostConfig({ one: (keyword) => values.get(keyword)?.[0], lists: list, where }, asked, ourselves);
  const same = (a: readonly string[] | undefined, b: readonly string[] | undefined): boolean =>
    b !== undefined && a?.join(' ') === b.join(' ');
  return {
    ...config,
    ...(own.userKnownHostsFiles !== undefined &&
      same(config.userKnownHostsFiles, own.userKnownHostsFiles) && { userKnownHostsFiles: own.userKnownHostsFiles }),
    ...(own.globalKnownHostsFiles !== undefined &&
      same(config.globalKnownHostsFiles, own.globalKnownHostsFiles) && {
        globalKnownHostsFiles: own.globalKnownHostsFiles,
      }),
    ...(own.revokedHostKeyFiles !== undefined &&
      same(config.revokedHostKeyFiles, own.revokedHostKeyFiles) && { revokedHostKeyFiles: own.revokedHostKeyFiles }),
  };
}

async function readFiles(options: ConfigOptions): Promise<readonly (readonly ConfigLine[])[]> {
  const { file, homeDirectory } = options;
  if (file === 'none') return [];
  if (file !== undefined) return [await readConfigLines(file, homeDirectory, true)];
  const files = [join(homeDirectory, '.ssh', 'config'), systemConfig];
  return Promise.all(files.map((path) => readConfigLines(path, homeDirectory, false)));
}

/** Open the configuration. @throws KbError KB_SSH_CONFIG */
export async function openSshConfig(options: ConfigOptions): Promise<SshConfig> {
  const { file, homeDirectory, warn, program = 'ssh' } = options;
  const { username, homedir } = userInfo();
  const ourselves: Ourselves = { homeDirectory, userName: username, hostName: hostname() };
  const files = await readFiles(options);
  const running = files.flatMap(commandLines);
  for (const { file: path, line } of running) {
    warn(`${path}:${line}: Match exec would run a command; kbinit runs none and passes over the block`);
  }
  // ssh -G runs what Match exec names, and takes ~ from the account and not from HOME.
  const isExact = files.some(saysSomething) && running.length === 0 && homeDirectory === homedir;
  return {
    async for(asked) {
      const own = evaluateConfig(files, asked, ourselves);
      if (!isExact) {
        if (files.some((lines) => keywordsOf(lines).has('canonicalizehostname'))) {
          warn(`${placesOf(files, 'canonicalizehostname')}: CanonicalizeHostname has no effect without \`ssh -G\``);
        }
        return own;
      }
      const printed = await askProgram(program, file, asked);
      return printed === undefined ? own : readProgram(printed, own, asked, ourselves, files);
    },
  };
}
