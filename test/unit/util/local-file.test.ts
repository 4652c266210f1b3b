import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readLocalFile, readLocalText } from '../../../src/util/local-file.ts';

let folder = '';
const at = (name: string): string => join(folder, name);

describe('a path on this machine', () => {
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kbinit-local-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('that is a file is read whole', () => {
    writeFileSync(at('file'), 'ä'.repeat(100_000));
    expect(readLocalText(at('file'))).toBe('ä'.repeat(100_000));
  });

  test('that is a FIFO is refused at once', () => {
    execFileSync('mkfifo', [at('pipe')]);
    expect(() => readLocalFile(at('pipe'))).toThrow('not a regular file');
  });

  test.each(['/dev/zero', '/dev/full', '/tmp'])('that is %s is refused at once', (path) => {
    expect(() => readLocalFile(path)).toThrow('not a regular file');
  });

  test('that is larger than anything of its kind is refused', () => {
    writeFileSync(at('file'), '');
    truncateSync(at('file'), 2 ** 40);
    expect(() => readLocalFile(at('file'))).toThrow('is larger than 16.0 MiB');
  });

  test('that is not there says so with its code', () => {
    expect(() => readLocalFile(at('none'))).toThrow(expect.objectContaining({ code: 'ENOENT' }));
  });

  test('that a shell hands over as a pipe is read', () => {
    const reader = `import { readLocalText } from '${join(import.meta.dirname, '../../../src/util/local-file.ts')}';
      console.log(readLocalText(process.argv[1]).length);`;
    const words = [process.execPath, '--import', 'tsx', '--input-type=module', '-e', reader];
    const line = '"$@" <(head -c 100000 /dev/zero)';
    expect(execFileSync('bash', ['-c', line, 'bash', ...words], { encoding: 'utf8' })).toBe('100000\n');
  });
});
