// How wide the lines for a stream may be.
import type { Terminal } from './style.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** COLUMNS where it is set, else what the terminal says; undefined where nothing counts columns. */
export function columnsFor(stream: Terminal, environment: Environment): number | undefined {
  const set = environment['COLUMNS'] ?? '';
  if (/^[1-9]\d{0,4}$/.test(set)) return Number(set);
  return stream.isTTY === true ? stream.columns || undefined : undefined;
}

/** For tables in the form of kubeadm or etcdctl, which programs read too: only a terminal limits them. */
export function terminalColumns(stream: Terminal, environment: Environment): number | undefined {
  return stream.isTTY === true ? columnsFor(stream, environment) : undefined;
}
