// Reads what crictl or ctr said about the container runtime. Pure.
import type { Runtime } from './survey.ts';
import { isJsonObject } from '../util/json.ts';

type Sections = ReadonlyMap<string, readonly string[]>;

/** What is known of the runtime; undefined when nobody asked. */
export function parseRuntime(sections: Sections): Runtime | undefined {
  const socket = socketState(sections.get('socket')?.[0]);
  if (socket === undefined) return undefined;
  const known = { socket, ...driver(sections) };
  const info = sections.get('crictl-info');
  if (info !== undefined) return { ...known, tool: 'crictl', ...fromInfo(info), ...fromConfig(sections) };
  const ctr = sections.get('ctr');
  if (ctr !== undefined) return { ...known, tool: 'ctr', ...fromCtr(ctr) };
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

/** The tool's output and exit code, which the script writes as the last line. */
function split(lines: readonly string[]): { text: string; code: number } {
  const end = lines.findLastIndex((line) => line.startsWith('exit '));
  return { text: lines.slice(0, end).join('\n').trim(), code: Number(lines[end]?.slice('exit '.length) ?? 1) };
}

/** `crictl info` exits 0 whatever the conditions are. */
function fromInfo(lines: readonly string[]): Answer {
  const { text, code } = split(lines);
  if (code !== 0) return { state: 'silent', message: lastLine(text) };
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
  const text = (sections.get('crictl-config') ?? []).join('\n');
  if (/cgroup driver:/i.test(text)) return { hasRuntimeConfig: true };
  return /code = Unimplemented/.test(text) ? { hasRuntimeConfig: false } : {};
}

/** `ctr version` and `ctr plugins ls`: containerd answers RuntimeConfig since 2.0 (containerd#8722). */
function fromCtr(lines: readonly string[]): Answer {
  const { text, code } = split(lines);
  if (code !== 0) return { state: 'silent', message: lastLine(text) };
  const major = /Server:\s*\n\s*Version:\s*v?(\d+)/.exec(text)?.[1];
  const status = /^io\.containerd\.(?:grpc\.v1|cri\.v1)\s+(?:cri|runtime)\s.*?(\S+)\s*$/m.exec(text)?.[1];
  return {
    state: status === 'ok' ? 'ready' : 'not-ready',
    ...(status === 'ok' ? {} : { message: `its CRI plugin is ${status === undefined ? 'disabled' : status}` }),
    ...(major === undefined ? {} : { hasRuntimeConfig: Number(major) > 1 }),
  };
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
