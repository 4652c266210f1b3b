// What `kbinit etcd init` is asked for: hosts and settings of an etcd cluster of its own, judged before a host is asked.
import { KbError } from '../errors.ts';
import { Problems } from './problems.ts';
import { isAbsolutePath } from './syntax.ts';

/** A flag of etcd beyond kbinit's own: `quota-backend-bytes`, `8589934592`. */
export interface EtcdSetting {
  readonly name: string;
  readonly value: string;
}

export interface EtcdClusterSpec {
  readonly dataDir: string;
  readonly settings: readonly EtcdSetting[];
}

/** One member as every other one knows it. */
export interface EtcdMemberSpec {
  /** The host's name: unique, and what etcd calls the member. */
  readonly name: string;
  /** The address for clients and peers. */
  readonly address: string;
}

/** The flags as commander gives them. */
export interface EtcdClusterFlags {
  readonly host?: readonly string[];
  readonly client?: readonly string[];
  readonly dataDir?: string;
  readonly etcdExtraArgs?: readonly string[];
}

const defaultDataDir = '/var/lib/etcd';
/** What etcd's own documentation recommends at most: more members make writes slower and nothing safer. */
const mostMembers = 7;

/** What kbinit decides: names, addresses, certificates and what holds the cluster together. */
const ownSettings =
  /^(?:name|data-dir|config-file|force-new-cluster|log-outputs|logger|discovery.*|initial-.*|listen-.*|advertise-.*|.*-(?:transport-security|tls)|.*(?:cert|key|trusted-ca)-file|.*client-cert-auth)$/;

/** Read the flags. @throws KbError KB_CONFIG with every problem */
export function readEtcdCluster(flags: EtcdClusterFlags): EtcdClusterSpec {
  const problems = new Problems();
  refuseCount(flags.host?.length ?? 1, problems);
  refuseTwice('--host', flags.host ?? [], problems);
  refuseTwice('--client', flags.client ?? [], problems);
  const dataDir = (flags.dataDir ?? defaultDataDir).replace(/(?<=.)\/+$/, '');
  // A folder below the root of its own: whatever it is, kbinit gives it to etcd's user.
  if (!isAbsolutePath(dataDir) || !/^(?:\/[A-Za-z0-9_][A-Za-z0-9_.-]*){2,}$/.test(dataDir)) {
    problems.add(
      '--data-dir',
      dataDir,
      'is not a usable data directory',
      'give an absolute path such as /var/lib/etcd',
    );
  }
  const settings = (flags.etcdExtraArgs ?? []).flatMap((text) => readSetting(text, problems) ?? []);
  refuseTwice(
    '--etcd-extra-args',
    settings.map(({ name }) => name),
    problems,
  );
  if (problems.list.length > 0) throw new KbError(problems.list);
  return { dataDir, settings };
}

/** A cluster decides by majority: an even number tolerates no more failures than the odd one below it, and fails more often. */
function refuseCount(count: number, problems: Problems): void {
  if (count > mostMembers) {
    problems.say(
      '--host',
      `${count} members are too many: every write waits for a majority`,
      'take 1, 3, 5 or 7 hosts',
    );
  } else if (count % 2 === 0) {
    const failures = count / 2 - 1;
    const as = `${count} members survive the loss of ${failures}, as ${count - 1} do, and there is one more that can fail`;
    problems.say('--host', as, 'take 1, 3, 5 or 7 hosts');
  }
}

function refuseTwice(flag: string, texts: readonly string[], problems: Problems): void {
  const twice = texts.find((text, index) => texts.indexOf(text) !== index);
  if (twice !== undefined) problems.add(flag, twice, 'is given twice', 'leave one of them out');
}

function readSetting(text: string, problems: Problems): EtcdSetting | undefined {
  // systemd reads the value from a file in which quotes, blanks and backslashes mean something.
  const [, name, value] = /^(?:--)?([a-z][a-z0-9-]*)=([^\s"'\\]+)$/.exec(text) ?? [];
  if (name === undefined || value === undefined) {
    problems.add('--etcd-extra-args', text, 'is not NAME=VALUE', 'write for example quota-backend-bytes=8589934592');
    return undefined;
  }
  if (ownSettings.test(name)) {
    problems.add('--etcd-extra-args', name, 'is decided by kbinit', 'leave it out');
    return undefined;
  }
  return { name, value };
}
