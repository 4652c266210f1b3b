// The kubelet's own words: the messages of its journal that are about the process that runs now, or ran last. Pure.
import { isComplaint, messages } from './log-lines.ts';

interface Entry {
  readonly seconds: number;
  readonly pid: string;
  readonly text: string;
}

/** A process that has only just begun has said nothing yet; what the one before it died of is still the news. */
const youngSeconds = 15;

/**
 * The messages of `journalctl -u kubelet -o short-unix` that count. A kubelet that was stopped on purpose (systemd says
 * "Stopping") has nothing to say about the one that was started after it, least of all what it complained of on its way down;
 * one that died by itself has, until the next one complains or has run for a while.
 */
export function currentMessages(lines: readonly string[], now: number): readonly string[] {
  const entries = lines.flatMap(entry);
  const stopped = entries.findLastIndex(({ pid, text }) => pid === systemd && text.startsWith('Stopping '));
  const old = new Set(entries.slice(0, stopped + 1).map(({ pid }) => pid));
  const own = entries.slice(stopped + 1).filter(({ pid }) => pid !== systemd && !old.has(pid));
  const pids = [...new Set(own.map(({ pid }) => pid))];
  const said = (pid: string | undefined): readonly string[] =>
    messages(own.flatMap((one) => (one.pid === pid ? [one.text] : []))).filter((text) => !isFarewell(text));
  const newest = said(pids.at(-1));
  const since = own.find(({ pid }) => pid === pids.at(-1))?.seconds ?? now;
  const isNews = newest.some(isComplaint) || now - since > youngSeconds;
  return isNews ? newest : [...said(pids.at(-2)), ...newest];
}

const systemd = 'systemd';

/** `1795000000.123456 host kubelet[7007]: text`; a line without that is of a journal that was rotated away. */
function entry(line: string): readonly Entry[] {
  const [, seconds, who = '', pid, text] = /^(\d+)\.\d+ \S+ ([^[\s]+)\[(\d+)\]:(?: (.*))?$/.exec(line) ?? [];
  if (seconds === undefined || pid === undefined) return [];
  return [{ seconds: Number(seconds), pid: who === systemd ? systemd : pid, text: text ?? '' }];
}

/** What is said because something was told to end is not why it ended. */
function isFarewell(text: string): boolean {
  return text.includes('context canceled');
}
