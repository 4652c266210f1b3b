import { describe, expect, test } from 'vitest';
import { applyJsonPatch } from '../../../src/manifests/json-patch.ts';
import { applyMergePatch } from '../../../src/util/merge-patch.ts';

describe('JSON patch (the examples of RFC 6902, appendix A, and more)', () => {
  test.each([
    ['add a member', { foo: 'bar' }, [{ op: 'add', path: '/baz', value: 'qux' }], { foo: 'bar', baz: 'qux' }],
    ['add an element', { foo: ['a', 'c'] }, [{ op: 'add', path: '/foo/1', value: 'b' }], { foo: ['a', 'b', 'c'] }],
    ['append', { foo: ['a'] }, [{ op: 'add', path: '/foo/-', value: ['b'] }], { foo: ['a', ['b']] }],
    ['replace by adding', { foo: 1 }, [{ op: 'add', path: '/foo', value: null }], { foo: null }],
    ['remove a member', { a: 1, b: 2 }, [{ op: 'remove', path: '/a' }], { b: 2 }],
    ['remove an element', { a: [1, 2, 3] }, [{ op: 'remove', path: '/a/1' }], { a: [1, 3] }],
    ['replace deep', { a: [{ b: 1 }] }, [{ op: 'replace', path: '/a/0/b', value: 2 }], { a: [{ b: 2 }] }],
    ['move', { a: { b: 1 }, c: {} }, [{ op: 'move', from: '/a/b', path: '/c/d' }], { a: {}, c: { d: 1 } }],
    ['move within a list', { a: [1, 2, 3] }, [{ op: 'move', from: '/a/0', path: '/a/2' }], { a: [2, 3, 1] }],
    ['copy', { a: 1 }, [{ op: 'copy', from: '/a', path: '/b' }], { a: 1, b: 1 }],
    [
      'escapes',
      { 'a/b': 1, 'm~n': 2 },
      [
        { op: 'remove', path: '/a~1b' },
        { op: 'test', path: '/m~0n', value: 2 },
      ],
      { 'm~n': 2 },
    ],
    ['a key that looks like ~1', { '~1': 1 }, [{ op: 'replace', path: '/~01', value: 2 }], { '~1': 2 }],
    [
      'test of an object',
      { a: { x: 1, y: [2] } },
      [{ op: 'test', path: '/a', value: { y: [2], x: 1 } }],
      { a: { x: 1, y: [2] } },
    ],
    ['the whole document', { a: 1 }, [{ op: 'replace', path: '', value: { b: 2 } }], { b: 2 }],
  ])('%s', (_name, document, patch, result) => {
    expect(applyJsonPatch(document, patch)).toEqual(result);
  });

  test.each([
    ['a parent that is not there', { op: 'add', path: '/x/y', value: 1 }, 'does not exist'],
    ['an index past the end', { op: 'add', path: '/l/3', value: 1 }, 'does not exist'],
    ['an index with a leading zero', { op: 'replace', path: '/l/00', value: 1 }, 'does not exist'],
    ['removing what is not there', { op: 'remove', path: '/x' }, 'does not exist'],
    ['replacing what is not there', { op: 'replace', path: '/x', value: 1 }, 'does not exist'],
    ['a failed test', { op: 'test', path: '/a', value: 2 }, 'failed'],
    ['a type that differs', { op: 'test', path: '/a', value: '1' }, 'failed'],
    ['a missing value', { op: 'add', path: '/x' }, 'has no value'],
    ['a missing path', { op: 'remove' }, 'has no path'],
    ['no pointer', { op: 'remove', path: 'a' }, 'not a JSON pointer'],
    ['an unknown operation', { op: 'merge', path: '/a' }, 'unknown operation'],
  ])('%s is refused', (_name, operation, message) => {
    expect(() => applyJsonPatch({ a: 1, l: [1, 2] }, [operation])).toThrow(message);
  });

  test('the document that is patched stays as it was', () => {
    const document = { a: [{ b: 1 }] };
    applyJsonPatch(document, [{ op: 'replace', path: '/a/0/b', value: 2 }]);
    expect(document).toEqual({ a: [{ b: 1 }] });
  });
});

describe('merge patch (the table of RFC 7386, appendix A)', () => {
  test.each([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ a: 'b' }, ['c'], ['c']],
    [{ a: 'foo' }, null, null],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('%j patched by %j is %j', (target, patch, result) => {
    expect(applyMergePatch(target, patch)).toEqual(result);
  });
});
