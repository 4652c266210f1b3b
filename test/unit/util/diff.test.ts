import { expect, test } from 'vitest';
import { lineDiff } from '../../../src/util/diff.ts';

test('lines that go and come, with two lines around them', () => {
  expect(lineDiff('a\nb\nc\nd\ne\nf\n', 'a\nb\nc\nD\ne\nf\n')).toBe('  b\n  c\n- d\n+ D\n  e\n  f\n');
});

test('what is far from a difference is left out', () => {
  const before = Array.from({ length: 20 }, (_, n) => `line ${n}\n`).join('');
  const after = before.replace('line 3\n', '').replace('line 15\n', 'line 15\nnew\n');
  expect(lineDiff(before, after)).toBe(
    '  line 1\n  line 2\n- line 3\n  line 4\n  line 5\n…\n  line 14\n  line 15\n+ new\n  line 16\n  line 17\n…\n',
  );
});

test('from and to nothing', () => {
  expect(lineDiff('', 'a\n')).toBe('+ a\n');
  expect(lineDiff('a\n', '')).toBe('- a\n');
});

test('a long text is not compared', () => {
  expect(lineDiff('x\n'.repeat(2000), 'y\n')).toBeUndefined();
});
