import { execFileSync } from 'node:child_process';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { quote, script, sh } from '../../../src/host/shell.ts';
import { isMissing } from '../../programs.ts';

const shells = ['/bin/sh', '/bin/dash', '/bin/bash', '/usr/bin/zsh', '/usr/bin/ksh'] as const;

/** Text made of what shells care about, and of anything else. */
const nasty = fc
  .array(
    fc.oneof(
      fc.constantFrom(...'\'"\\$`!*?[]{}()<>|&;~# \t\n\r-=^%@'.split('')),
      fc.constantFrom('$(touch /tmp/pwn)', 'é', '日', '\u0001'),
      fc.string(),
    ),
  )
  .map((parts) => parts.join('').replaceAll('\0', ''));

for (const shell of shells) {
  test.skipIf(isMissing(shell))(`quoting for ${shell}: any text is one word and comes out as it went in`, () => {
    fc.assert(
      fc.property(fc.array(nasty, { minLength: 1, maxLength: 20 }), (words) => {
        const output = execFileSync(shell, ['-c', `printf '%s\\0' ${words.map(quote).join(' ')}`]);
        expect(output.toString('utf8').split('\0').slice(0, -1)).toEqual(
          words.map((word) => Buffer.from(word).toString()),
        );
      }),
      { numRuns: 60 },
    );
  });
}

describe('sh', () => {
  test('makes an array several words', () => expect(sh`rm ${['a', 'b c']}`.text).toBe("rm a 'b c'"));
  test('puts a command into a command as it is', () =>
    expect(sh`sudo ${sh`echo ${'$x'}`}`.text).toBe("sudo echo '$x'"));
  test('keeps an empty value as an empty word', () => expect(sh`test -z ${''}`.text).toBe("test -z ''"));
  test('refuses a NUL byte', () => expect(() => sh`echo ${'a\0b'}`).toThrow(TypeError));
});

test('script is taken to the letter', () => expect(script`printf 'a\n'`.text).toBe("printf 'a\\n'"));
