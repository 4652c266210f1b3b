// Reads what crictl or ctr said about the container runtime. Pure.
import { criPlugins, lacksCri } from '../kube/cri.ts';
import { isJsonObject } from '../util/json.ts';

/** What is known of the container runtime behind the CRI socket. */
export interface Runtime {
  readonly socket: 'missing' | 'not-a-socket' | 'listening' | 'stale';
  /** Who answered: crictl, ctr (containerd only), or nobody that could be asked. */
  readonly tool: 'crictl' | 'ctr' | 'none';
  /** The RuntimeReady condition (with ctr: containerd's CRI plugin); `silent` does not answer, `unknown` was not asked. */
  readonly state: 'ready' | 'not-ready' | 'silent' | 'unknown';
  /** Why it is not ready, or what the tool said. */
  readonly message?: string;
  /** What is known of a containerd that does not serve the CRI. */
  readonly withoutCri?: WithoutCri;
  /** Whether the runtime answers RuntimeConfig; undefined when it can't be known. */
  readonly hasRuntimeConfig?: boolean;
  /** By containerd's configuration file; undefined for other runtimes. */
  readonly cgroupDriver?: 'systemd' | 'cgroupfs';
}

/** What containerd says of its CRI plugin, and what its configuration does. */
export interface WithoutCri {
  /** containerd's version; undefined where there is no ctr. */
  readonly version?: string;
  /** ctr's word for the plugin that serves the CRI (`error`, `skip`), `missing` where it is not in its list. */
  readonly plugin?: string;
  /** Files with names in disabled_plugins that the CRI needs. */
  readonly disabled: readonly { readonly file: string; readonly names: readonly string[] }[];
}

type Sections = ReadonlyMap<string, readonly string[]>;

/** What is known of the runtime; undefined when nobody asked. */
export function parseRuntime(sections: Sections): Runtime | undefined {
  const socket = socketState(sections.get('socket')?.[0]);
  if (socket === undefined) return undefined;
  const known = { socket, ...driver(sections) };
  const info = sections.get('crictl-info');
  if (info !== undefined) return { ...known, tool: 'crictl', ...fromInfo(info, sections), ...fromConfig(sections) };
  const ctr = sections.get('ctr');
  if (ctr !== undefined) return { ...known, tool: 'ctr', ...fromCtr(ctr, sections) };
  return { ...known, tool: 'none', state: 'unknown' };
}

/** containerd does it by itself (cgroupfs) unless its configuration says otherwise. */
function driver(sections: Sections): Pick<Runtime, 'cgroupDriver'> {
  const lines = sections.get('cgroup-driver');
  if (lines === undefined) return {};
  return { cgroupDriver: lines.some((line) => /=\s*true/.test(line)) ? 'systemd' : 'cgroupfs' };
}

const socketStates = ['missing', 'not-a-socket', 'listening', 'stale'] as const;

function socketState(text: string | undefined): Runtime['socket'] | undefined {
  return socketStates.find((state) => state === text);
}

type Answer = Omit<Runtime, 'socket' | 'tool'>;

/** The tool's answer and exit code, which the script writes as the last line. */
function split(lines: readonly string[]): { text: string; code: number } {
  const end = lines.findLastIndex((line) => line.startsWith('exit '));
  return { text: lines.slice(0, end).join('\n').trim(), code: Number(lines[end]?.slice('exit '.length) ?? 1) };
}

/** Why there is no answer: what the tool said about it, else the last line of what it answered. */
function lastWords(said: readonly string[] | undefined, text: string): string {
  return lastLine((said ?? []).join('\n').trim()) || lastLine(text);
}

/** `crictl info` exits 0 whatever the conditions are. */
function fromInfo(lines: readonly string[], sections: Sections): Answer {
  const { text, code } = split(lines);
  if (code !== 0) {
    const message = lastWords(sections.get('crictl-info-said'), text);
    return { state: 'silent', message, ...(lacksCri.test(message) && { withoutCri: withoutCri(sections) }) };
  }
  const info = readJson(text);
  const ready = list(at(info, 'status', 'conditions')).find((c) => at(c, 'type') === 'RuntimeReady');
  const said = [at(ready, 'reason'), at(ready, 'message')].filter((part) => typeof part === 'string' && part !== '');
  return {
    state: at(ready, 'status') === true ? 'ready' : 'not-ready',
    ...(said.length === 0 ? {} : { message: said.join(': ') }),
  };
}

/** `crictl runtime-config` (since 1.28): a driver, or the gRPC code of a runtime that does not know the call. */
function fromConfig(sections: Sections): Pick<Answer, 'hasRuntimeConfig'> {
  const text = ['crictl-config', 'crictl-config-said'].flatMap((name) => sections.get(name) ?? []).join('\n');
  if (/cgroup driver:/i.test(text)) return { hasRuntimeConfig: true };
  // What it cannot be asked is not known of it.
  if (lacksCri.test(text)) return {};
  return /code = Unimplemented/.test(text) ? { hasRuntimeConfig: false } : {};
}

/** `ctr version` and `ctr plugins ls`: containerd answers RuntimeConfig since 2.0 (containerd#8722). */
function fromCtr(lines: readonly string[], sections: Sections): Answer {
  const { text, code } = split(lines);
  if (code !== 0) return { state: 'silent', message: lastWords(sections.get('ctr-said'), text) };
  const found = withoutCri(sections);
  const config = found.version === undefined ? {} : { hasRuntimeConfig: !found.version.startsWith('1.') };
  if (found.plugin === 'ok') return { state: 'ready', ...config };
  return { state: 'not-ready', message: complaint(found), withoutCri: found, ...config };
}

function complaint({ plugin }: WithoutCri): string {
  if (plugin === undefined) return 'its plugins cannot be listed';
  return plugin === 'missing' ? 'its CRI plugin is disabled' : `the state of its CRI plugin is ${plugin}`;
}

/**
 * What containerd tells of its plugin, and the files that may have disabled it. The row of `grpc.v1 cri` counts: in 2.x those of
 * `cri.v1`, which it needs, stay when it is disabled.
 */
function withoutCri(sections: Sections): WithoutCri {
  const text = ['ctr', 'ctr-plugins'].flatMap((name) => sections.get(name) ?? []).join('\n');
  const version = /Server:\s*\n\s*Version:\s*v?(\d[\w.+-]{0,63})/.exec(text)?.[1];
  const plugin = /^io\.containerd\.grpc\.v1\s+cri\s.*?([a-z]{1,20})\s*$/m.exec(text)?.[1];
  const hasList = /^io\.containerd\./m.test(text);
  return {
    ...(version !== undefined && { version }),
    ...(hasList && { plugin: plugin ?? 'missing' }),
    disabled: [...sections].flatMap(([name, lines]) => {
      const file = /^disabled (\/etc\/containerd\/[\w./-]{1,200})$/.exec(name)?.[1];
      const names = criPlugins.filter((one) =>
        new RegExp(`["']${one.replaceAll('.', '\\.')}["']`).test(firstList(lines)),
      );
      return file === undefined || names.length === 0 ? [] : [{ file, names }];
    }),
  };
}

/** The first list of these lines of TOML, without comments; a plugin's name has no number sign. */
function firstList(lines: readonly string[]): string {
  const text = lines.map((line) => line.replace(/#.*$/, '')).join('\n');
  return /\[[^\]]*\]/.exec(text)?.[0] ?? '';
}

/** A tool's log lines may come before the JSON. */
function readJson(text: string): unknown {
  const start = text.indexOf('{');
  try {
    return start < 0 ? undefined : JSON.parse(text.slice(start, text.lastIndexOf('}') + 1));
  } catch {
    return undefined;
  }
}

function at(value: unknown, ...keys: readonly string[]): unknown {
  return keys.reduce<unknown>((v, key) => (isJsonObject(v) ? v[key] : undefined), value);
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function lastLine(text: string): string {
  return text.split('\n').at(-1) ?? '';
}
