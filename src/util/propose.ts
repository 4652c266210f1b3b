// What a person may have meant: known words like one that is not known.

/** Edits (insert, delete, replace, swap of neighbours) between two words. */
function distance(a: string, b: string): number {
  const rows: number[][] = Array.from({ length: a.length + 1 }, (_, i) => [i, ...Array<number>(b.length).fill(0)]);
  rows[0] = Array.from({ length: b.length + 1 }, (_, j) => j);
  const at = (i: number, j: number): number => rows[i]?.[j] ?? 0;
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const best = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + (isSame ? 0 : 1));
      (rows[i] ??= [])[j] = isSwap ? Math.min(best, at(i - 2, j - 2) + 1) : best;
    }
  }
  return at(a.length, b.length);
}

/** Verbs of other tools, and what they are called here. */
const synonyms: Readonly<Record<string, readonly string[]>> = {
  delete: ['remove'],
  rm: ['remove', 'delete'],
  remove: ['delete'],
  ls: ['list'],
  get: ['list', 'print'],
  show: ['list', 'print', 'status', 'check-expiration'],
  view: ['print'],
  destroy: ['reset', 'delete', 'remove'],
  undo: ['restore', 'reset'],
  install: ['apply', 'init', 'prepare'],
  deploy: ['apply', 'init'],
  setup: ['init', 'prepare'],
  add: ['join', 'apply', 'create'],
  drain: ['remove'],
  cert: ['certs'],
  check: ['preflight', 'validate'],
  master: ['control-plane'],
  controlplane: ['control-plane'],
  node: ['worker'],
};

/** The known words that this one may stand for, the likeliest first; at most three. Case and leading dashes do not count. */
export function propose(word: string, known: readonly string[]): readonly string[] {
  const plain = (text: string): string => text.replace(/^-+/, '').toLowerCase();
  const wanted = plain(word);
  if (wanted === '') return [];
  const score = (candidate: string): number | undefined => {
    const name = plain(candidate);
    if (name === wanted) return 0;
    const edits = distance(wanted, name);
    if (edits <= Math.max(1, Math.floor(Math.min(wanted.length, name.length) / 3))) return edits;
    if (synonyms[wanted]?.includes(name) === true) return 10;
    if (wanted.length >= 3 && name.startsWith(wanted)) return 11;
    if (name.length >= 3 && wanted.startsWith(name)) return 12;
    return wanted.length >= 3 && name.split(/[-.]/).includes(wanted) ? 13 : undefined;
  };
  return known
    .flatMap((candidate) => {
      const found = score(candidate);
      return found === undefined ? [] : [{ candidate, found }];
    })
    .toSorted((a, b) => a.found - b.found)
    .slice(0, 3)
    .map(({ candidate }) => candidate);
}

/** `; did you mean a or b?`, or nothing. */
export function didYouMean(word: string, known: readonly string[]): string {
  const found = propose(word, known);
  return found.length === 0 ? '' : `; did you mean ${found.join(' or ')}?`;
}
