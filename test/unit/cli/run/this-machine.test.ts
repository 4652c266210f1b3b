import { hostname } from 'node:os';
import { afterEach, describe, expect, test } from 'vitest';
import { assertConfirmed, thisMachine } from '../../../../src/cli/run/this-machine.ts';
import { createLines } from '../../../../src/report/lines.ts';

const [stdin, stderr] = [process.stdin.isTTY, process.stderr.isTTY];
afterEach(() => {
  Object.assign(process.stdin, { isTTY: stdin });
  Object.assign(process.stderr, { isTTY: stderr });
});

function atTerminal(isTerminal: boolean): void {
  Object.assign(process.stdin, { isTTY: isTerminal });
  Object.assign(process.stderr, { isTTY: isTerminal });
}

test('this machine is named with an address that leads to it', () => {
  expect(thisMachine(undefined)).toMatch(/^this machine, \S+( \([0-9a-f.:]+\))?$/);
  expect(thisMachine(undefined)).toContain(hostname());
  expect(thisMachine('/mnt')).toMatch(/, in \/mnt$/);
});

test('the first line of a run that changes this machine names it', () => {
  const lines = createLines({ color: false, verbose: false });
  const start = { kind: 'run-start', command: 'init', hosts: ['laptop'] } as const;
  expect(lines.of({ ...start, machine: 'this machine, laptop (10.0.0.5)' })).toEqual([
    'init works on this machine, laptop (10.0.0.5)',
  ]);
  expect(lines.of(start)).toEqual([]);
});

describe('before this machine is changed', () => {
  test('somebody at a terminal is asked, and nothing happens without a yes', async () => {
    atTerminal(true);
    const asked: string[] = [];
    const ask = (question: string): Promise<boolean> => Promise.resolve(asked.push(question) === 0);
    await expect(assertConfirmed('init', 'laptop', ask)).rejects.toThrow('KB_NOT_CONFIRMED');
    expect(asked).toEqual(['Run kbinit init on this machine? [y/N] ']);
    await expect(assertConfirmed('init', 'laptop', () => Promise.resolve(true))).resolves.toBeUndefined();
  });

  test('a script goes on without a question', async () => {
    atTerminal(false);
    const asked: string[] = [];
    const ask = (question: string): Promise<boolean> => Promise.resolve(asked.push(question) === 0);
    await assertConfirmed('init', 'laptop', ask);
    expect(asked).toEqual([]);
  });
});
