// What differs between two texts, line by line, for people.

/** Lines around a difference. */
const context = 2;
/** Longer texts are not compared line by line: nobody reads that, and it takes the square of the time. */
const longest = 1500;

type Edit = readonly [mark: ' ' | '-' | '+', line: string];

/** `-` for lines that go, `+` for lines that come, two lines around each; undefined where the texts are too long. */
export function lineDiff(before: string, after: string): string | undefined {
  const [left, right] = [linesOf(before), linesOf(after)];
  if (left.length > longest || right.length > longest) return undefined;
  const edits = editsOf(left, right);
  const near = edits.map((_, n) =>
    edits.slice(Math.max(0, n - context), n + context + 1).some(([mark]) => mark !== ' '),
  );
  const shown = edits.flatMap(([mark, line], n) => {
    if (near[n] === true) return [`${mark} ${line}\n`];
    return n > 0 && near[n - 1] === true && n < edits.length - 1 ? ['…\n'] : [];
  });
  return shown.join('');
}

function linesOf(text: string): readonly string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

/** The shortest way from one to the other, by the longest common part. */
function editsOf(left: readonly string[], right: readonly string[]): readonly Edit[] {
  const width = right.length + 1;
  const common = new Uint16Array((left.length + 1) * width);
  const at = (a: number, b: number): number => common[a * width + b] ?? 0;
  for (let a = left.length - 1; a >= 0; a--) {
    for (let b = right.length - 1; b >= 0; b--) {
      common[a * width + b] = left[a] === right[b] ? at(a + 1, b + 1) + 1 : Math.max(at(a + 1, b), at(a, b + 1));
    }
  }
  const edits: Edit[] = [];
  let [a, b] = [0, 0];
  while (a < left.length || b < right.length) {
    const [one, other] = [left[a], right[b]];
    if (one !== undefined && one === other) {
      edits.push([' ', one]);
      a++;
      b++;
    } else if (one !== undefined && (other === undefined || at(a + 1, b) >= at(a, b + 1))) {
      edits.push(['-', one]);
      a++;
    } else {
      edits.push(['+', other ?? '']);
      b++;
    }
  }
  return edits;
}
