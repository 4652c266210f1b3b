// What the container runtime knows of the static Pods: which containers there are, and how those that ended have ended.
import type { HostView } from '../../host/host.ts';
import { runtimeTools } from '../../host/runtime.ts';
import { sh, type Shell } from '../../host/shell.ts';
import { staticPods, type StaticPod } from '../../kube/paths.ts';
import { isJsonObject, type JsonObject } from '../../util/json.ts';
import { containerLines, lastWords, messages } from './log-lines.ts';

/** Where the containers of a node are to be asked for. */
export interface Runtime {
  readonly host: Pick<HostView, 'probe'>;
  /** unix:///… */
  readonly criSocket: string;
}

/** A container of a static Pod; without crictl its log stands for it. */
export interface Container {
  readonly component: StaticPod;
  readonly id: string;
  /** How often the kubelet had started it before. */
  readonly attempt: number;
  readonly isRunning: boolean;
  readonly createdAt: number;
}

/** A container that has ended. */
export interface Exit {
  readonly component: StaticPod;
  readonly id: string;
  readonly attempt: number;
  /** Unknown without crictl. */
  readonly exitCode?: number;
  /** `OOMKilled`, `StartError`, … where it says more than `Error` and `Completed`. */
  readonly reason?: string;
  /** By the host's clock, in seconds. */
  readonly finishedAt: number;
  /** Of its log the last messages, and what the runtime has to say. */
  readonly messages: readonly string[];
  readonly lastWords?: string;
}

/** What one look gave. */
export interface Look {
  readonly containers: readonly Container[];
  /** Of the kubelet's journal the lines about these Pods, newest last. */
  readonly journal: readonly string[];
}

/** `cri ARGUMENT…`; a runtime that is in trouble itself is not waited for. */
export function impatientTools(criSocket: string): Shell {
  return runtimeTools(criSocket, 8);
}

/** One command for all components; where everything runs it is all that is asked. */
export async function lookAtPods({ host, criSocket }: Runtime, components: readonly StaticPod[]): Promise<Look> {
  const pods = components.map((name) => `kube-system/${name}-`).join('|');
  const { stdout } = await host.probe(
    sh`${impatientTools(criSocket)}if has_crictl; then
  echo '== crictl'
  cri ps -a -o json --label io.kubernetes.pod.namespace=kube-system 2>/dev/null
else
  echo '== processes'
  for file in /proc/[0-9]*/comm; do
    { read -r comm <"$file" && echo "$comm"; } 2>/dev/null
  done
  echo '== logs'
  for name in ${components}; do
    stat -c '%Y %n' /var/log/pods/kube-system_"$name"-*/"$name"/*.log 2>/dev/null
  done
fi
echo
echo '== journal'
journalctl -u kubelet -n 60 --no-pager -o short-unix 2>/dev/null | grep -E ${pods}
exit 0
`,
    { timeoutSeconds: 15 },
  );
  const found = sections(stdout);
  const section = (name: string): readonly string[] => found.find((one) => one.name === name)?.lines ?? [];
  const containers = found.some(({ name }) => name === 'crictl')
    ? fromCrictl(section('crictl').join('\n'))
    : fromLogs(section('logs'), new Set(section('processes')));
  return {
    containers: containers.filter(({ component }) => components.includes(component)),
    journal: section('journal'),
  };
}

/** The newest container of a component. */
export function newest(containers: readonly Container[], component: StaticPod): Container | undefined {
  const own = containers.filter((one) => one.component === component);
  return own.toSorted((a, b) => a.createdAt - b.createdAt || a.attempt - b.attempt).at(-1);
}

/** How these containers have ended; one that cannot be asked any more is left out. */
export async function readExits({ host, criSocket }: Runtime, ended: readonly Container[]): Promise<readonly Exit[]> {
  if (ended.length === 0) return [];
  const template =
    '{{.status.exitCode}}|{{.status.reason}}|{{.status.finishedAt}}|{{.status.logPath}}|{{.status.message}}';
  const { stdout } = await host.probe(
    sh`${impatientTools(criSocket)}for id in ${ended.map(({ id }) => id)}; do
  echo "== $id"
  case $id in
    /*) log=$id; printf '||%s||\\n' "$(stat -c %Y "$log" 2>/dev/null)" ;;
    *)
      status=$(cri inspect -o go-template --template ${template} "$id" 2>/dev/null | tr '\\n' ' ')
      printf '%s\\n' "$status"
      log=\${status#*|*|*|} log=\${log%%|*}
      ;;
  esac
  tail -n 60 "$log" 2>/dev/null | cut -c 1-4000
done
exit 0
`,
    { timeoutSeconds: 20 },
  );
  return sections(stdout).flatMap(({ name, lines: [status = '', ...log] }) => {
    const container = ended.find(({ id }) => id === name);
    return container === undefined || status === '' ? [] : [exitOf(container, status, log)];
  });
}

function exitOf({ component, id, attempt }: Container, status: string, log: readonly string[]): Exit {
  const [code = '', reason = '', finished = '', , ...message] = status.trim().split('|');
  const said = messages(containerLines(log));
  const isTelling = !['', 'Error', 'Completed', '<no value>'].includes(reason);
  const runtime = message.join('|').replace('<no value>', '').trim();
  const all = [...said, ...(runtime === '' ? [] : [runtime]), ...(isTelling ? [reason] : [])];
  // Who was killed has not said why.
  const last = reason === 'OOMKilled' ? reason : runtime === '' ? lastWords(said) : runtime;
  return {
    component,
    id,
    attempt,
    ...(code === '' ? {} : { exitCode: Number(code) }),
    ...(isTelling ? { reason } : {}),
    finishedAt: /^\d+$/.test(finished) ? Number(finished) : Date.parse(finished) / 1000,
    messages: all,
    ...(last === undefined ? {} : { lastWords: last }),
  };
}

interface Section {
  readonly name: string;
  readonly lines: string[];
}

/** What follows each `== NAME`. Lines of logs begin with a time, so none of them is taken for one. */
export function sections(output: string): readonly Section[] {
  const found: Section[] = [];
  for (const line of output.split('\n')) {
    if (line.startsWith('== ')) found.push({ name: line.slice('== '.length), lines: [] });
    else if (line.trim() !== '') found.at(-1)?.lines.push(line);
  }
  return found;
}

function fromCrictl(text: string): readonly Container[] {
  const answer = readJson(text);
  const list: readonly unknown[] =
    isJsonObject(answer) && Array.isArray(answer['containers']) ? answer['containers'] : [];
  return list.filter(isJsonObject).flatMap(fromCrictlRow);
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function fromCrictlRow({ id, metadata, state, createdAt }: JsonObject): readonly Container[] {
  const { name, attempt } = isJsonObject(metadata) ? metadata : {};
  const component = staticPods.find((one) => one === name);
  if (component === undefined || typeof id !== 'string' || state === 'CONTAINER_CREATED') return [];
  const isRunning = state === 'CONTAINER_RUNNING';
  return [{ component, id, attempt: Number(attempt ?? 0), isRunning, createdAt: Number(createdAt ?? 0) / 1e9 }];
}

/** `TIME /var/log/pods/kube-system_NAME-NODE_UID/NAME/ATTEMPT.log`; all but the newest have ended. */
function fromLogs(lines: readonly string[], processes: ReadonlySet<string>): readonly Container[] {
  const all = lines.flatMap((line): Container[] => {
    const [, time, id = '', name, attempt] = /^(\d+) (\/\S+\/([\w-]+)\/(\d+)\.log)$/.exec(line) ?? [];
    const component = staticPods.find((one) => one === name);
    if (component === undefined) return [];
    return [{ component, id, attempt: Number(attempt), isRunning: false, createdAt: Number(time) }];
  });
  // The kernel keeps fifteen characters of a name.
  return all.map((one) => ({
    ...one,
    isRunning: one === newest(all, one.component) && processes.has(one.component.slice(0, 15)),
  }));
}
