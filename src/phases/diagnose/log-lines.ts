// Reads what components write: the messages of a log, and which of them says why a process ended. Pure.

/** klog's values of several lines are short, but for a dump of a configuration. */
const longestValue = 300;

/**
 * The messages of a log. klog writes a value of several lines as `err=<`, the lines, ` >`: that is one message. The kubelet's
 * dump of its whole configuration (at each start, since 1.37) names every field and accuses none of them: it is left out.
 */
export function messages(lines: readonly string[]): readonly string[] {
  const found: string[] = [];
  for (let index = 0; index < lines.length; index++) {
    const first = (lines[index] ?? '').trim();
    const end = first.endsWith('=<') ? endOfValue(lines, index) : index;
    const whole = lines.slice(index, end + 1).map((line) => line.trim());
    index = end;
    if (first !== '' && !/\bconfig=<$/.test(first)) found.push(whole.join(' '));
  }
  return found;
}

/** Where the value ends that begins behind this line; the line itself when its end was cut off. */
function endOfValue(lines: readonly string[], start: number): number {
  const end = lines.findIndex((line, index) => index > start && /^\s*>(?:\s|$)/.test(line));
  return end === -1 || end - start > longestValue ? start : end;
}

/** klog's errors and fatals, etcd's JSON lines, and what Go, cobra and Go's own flags write when they give up. */
const complaint =
  /^[EF]\d{4} |"level":"(?:error|fatal|panic|dpanic)"|^(?:Error|panic|fatal error|fatal|runtime): |^flag provided but not defined: |^invalid value "/;

/** Whether a message tells of a failure. */
export function isComplaint(message: string): boolean {
  return complaint.test(message);
}

/** What a process said last about why it ended: its last complaint, else its last words. */
export function lastWords(all: readonly string[]): string | undefined {
  return all.findLast(isComplaint) ?? all.at(-1);
}

/** What two runs of a process have in common when they end for one reason: times, process numbers and ports differ. */
export function withoutNumbers(message: string): string {
  return message
    .replace(/^[IWEF]\d{4} [\d:.]+ +\d+ \S+\] /, '')
    .replace(/"ts":"[^"]*",?/, '')
    .replaceAll(/\d+/g, '#');
}

/** The words of a message without where in the program they come from: of klog's the error, of etcd's the text and the error. */
export function inWords(message: string): string {
  const text = message.replace(/^[IWEF]\d{4} [\d:.]+ +\d+ \S+\] /, '').replace(/^Error: /, '');
  const value = /^"command failed" err=(?:"((?:[^"\\]|\\.)*)"|<(.*)>)$/.exec(text);
  if (value !== null) return unescaped(value[1] ?? value[2] ?? '').trim();
  if (!text.startsWith('{')) return text;
  const field = (name: string): string | undefined => {
    const found = new RegExp(`"${name}":"((?:[^"\\\\]|\\\\.)*)"`).exec(text)?.[1];
    return found === undefined ? undefined : unescaped(found);
  };
  return [field('msg'), field('error')].filter((part) => part !== undefined).join(': ') || text;
}

function unescaped(text: string): string {
  return text.replaceAll(/\\(["\\])/g, '$1').replaceAll(/\\[nt]/g, ' ');
}

/** A message's beginning and its end, where Go puts the reason; a stack is of no use to who reads it. */
export function shortened(message: string): string {
  const text = message.replace(/,"stacktrace":"(?:[^"\\]|\\.)*"/, '');
  return text.length <= 600 ? text : `${text.slice(0, 200)} … ${text.slice(-380)}`;
}

/** The lines of a log as the CRI has runtimes write it: `TIME stderr F text`; P is a piece of a line that goes on. */
export function containerLines(lines: readonly string[], sinceSeconds = 0): readonly string[] {
  const found: string[] = [];
  let begun = '';
  for (const line of lines) {
    const [, time = '', kind, text = ''] = /^(\S+) std(?:out|err) ([FP])(?: (.*))?$/.exec(line) ?? [];
    if (kind === undefined || Date.parse(time) / 1000 < sinceSeconds) continue;
    begun += text;
    if (kind === 'P') continue;
    found.push(begun);
    begun = '';
  }
  return begun === '' ? found : [...found, begun];
}
