// Text in lines of a limited width, counted as a terminal counts it.

const segments = new Intl.Segmenter();

/** East Asian characters and emoji take two columns; what is unsure is taken for wide. */
export function characterWidth(character: string): number {
  const point = character.codePointAt(0) ?? 0;
  return point >= 0x1100 && !(point >= 0x2010 && point <= 0x28ff) ? 2 : 1;
}

/** Each character as a reader sees it. */
export function characters(text: string): readonly string[] {
  return [...segments.segment(text)].map(({ segment }) => segment);
}

/** The columns that a text takes. */
export function textWidth(text: string): number {
  return characters(text).reduce((sum, one) => sum + characterWidth(one), 0);
}

/** Less than that cannot be read; such a terminal wraps by itself. */
const leastColumns = 16;

/** One line in as many as it needs, broken at blanks; a word that is longer than a line is cut. */
export function wrapped(line: string, columns: number): readonly string[] {
  const most = Math.max(columns, leastColumns);
  // Many lines are for no screen: they are not measured.
  if (most === Infinity || textWidth(line) <= most) return [line];
  const lines: string[] = [];
  let current = '';
  for (const part of line.match(/ +|[^ ]+/g) ?? []) {
    if (textWidth(current) + textWidth(part) <= most) {
      current += part;
      continue;
    }
    if (current.trim() !== '') lines.push(current.trimEnd());
    if (part.startsWith(' ')) {
      current = '';
      continue;
    }
    const pieces = cut(part, most);
    lines.push(...pieces.slice(0, -1));
    current = pieces.at(-1) ?? '';
  }
  return current.trim() === '' ? lines : [...lines, current];
}

function cut(word: string, most: number): readonly string[] {
  const pieces: string[] = [];
  let piece = '';
  let width = 0;
  for (const one of characters(word)) {
    if (width + characterWidth(one) > most) {
      pieces.push(piece);
      [piece, width] = ['', 0];
    }
    piece += one;
    width += characterWidth(one);
  }
  return [...pieces, piece];
}
