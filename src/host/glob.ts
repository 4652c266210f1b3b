// OpenSSH's patterns: `*` any run, `?` any one character, a comma list with `!` for what it is not for. Pure.

/** OpenSSH's match_pattern: the whole name has to fit. */
export function matchesGlob(name: string, pattern: string): boolean {
  let [n, p, star, mark] = [0, 0, -1, 0];
  while (n < name.length) {
    const c = pattern[p];
    if (c === '*') {
      star = p++;
      mark = n;
    } else if (c !== undefined && (c === '?' || c === name[n])) {
      n++;
      p++;
    } else if (star >= 0) {
      p = star + 1;
      n = ++mark;
    } else return false;
  }
  return /^\**$/.test(pattern.slice(p));
}

/** A negated pattern that fits rules the whole list out, wherever it stands (match_pattern_list). */
export function matchesPatterns(name: string, patterns: readonly string[]): boolean {
  let isMatch = false;
  for (const entry of patterns) {
    const isNegated = entry.startsWith('!');
    if (!matchesGlob(name, isNegated ? entry.slice(1) : entry)) continue;
    if (isNegated) return false;
    isMatch = true;
  }
  return isMatch;
}
