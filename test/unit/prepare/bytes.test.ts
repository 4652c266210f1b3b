// Files of others in which kbinit has lines: every byte that is not kbinit's stays as it is.
import { expect, test } from 'vitest';
import * as fc from 'fast-check';
import { withHostsEntries, withoutHostsEntries } from '../../../src/prepare/hosts-file.ts';
import { planHostsFile } from '../../../src/prepare/hosts-file.ts';
import { parseState, type HostState } from '../../../src/prepare/state.ts';
import { planSwap, withoutSwap, withSwap } from '../../../src/prepare/swap.ts';
import { bareState, specOf } from './states.ts';

/** The state of a host that has this file, as the survey tells it. */
function stateWith(path: string, bytes: Buffer): HostState {
  const { texts } = parseState(`text ${bytes.toString('base64')} ${path}\n`, () => []);
  return { ...bareState, texts };
}

function written(plan: ReturnType<typeof planSwap>): Buffer {
  const [action] = plan.actions;
  if (action?.kind !== 'file') throw new Error('no file is written');
  return Buffer.from(action.artifact.body, action.artifact.encoding);
}

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

test.each([
  ['Latin-1', latin1('/dev/sdz1 /srv/M\xfcller ext4 defaults 0 0\n')],
  ['UTF-8', Buffer.from('/dev/sdz1 /srv/Müller\u00a0à ext4 defaults 0 0\n')],
  ['CRLF', latin1('/dev/sdz1 /srv xfs defaults 0 0\r\n')],
  ['NUL and a form feed', latin1('/dev/sdz1 /srv/\0\f\x85 xfs\n')],
  ['an empty line', latin1('\n\n')],
])('the other lines of /etc/fstab stay as they are: %s', (_what, other) => {
  const swap = latin1('/dev/sdb none swap sw 0 0\n/swap\xe9 none\tswap sw');
  const after = written(planSwap(stateWith('/etc/fstab', Buffer.concat([other, swap]))));
  const off = latin1('# kbinit swap off: /dev/sdb none swap sw 0 0\n# kbinit swap off: /swap\xe9 none\tswap sw');
  expect(after.equals(Buffer.concat([other, off]))).toBe(true);
});

test('the other lines of /etc/hosts stay as they are, also those that somebody put among kbinit’s', () => {
  const before = latin1('127.0.0.1 localhost # M\xfcller\r\n\xff\xfe\0 x\n');
  const spec = specOf({ hostsEntry: ['10.0.0.1=a'] });
  const once = written(planHostsFile(stateWith('/etc/hosts', before), spec));
  expect(once.subarray(0, before.length).equals(before)).toBe(true);
  const inside = latin1('10.9.9.9 other # \xe9\xa0\n# kbinit: end');
  const mixed = latin1(once.toString('latin1').replace('# kbinit: end', inside.toString('latin1')));
  const twice = written(planHostsFile(stateWith('/etc/hosts', mixed), specOf({ hostsEntry: ['10.0.0.2=b'] })));
  expect(twice.includes(latin1('10.9.9.9 other # \xe9\xa0\n'))).toBe(true);
  expect(withoutHostsEntries(twice.toString('latin1'))).toBe(before.toString('latin1'));
});

test('a line with swap behind an empty line is found', () => {
  expect(withoutSwap('a\n\n/s none swap sw\n/t none swap\n')).toBe(
    'a\n\n# kbinit swap off: /s none swap sw\n# kbinit swap off: /t none swap\n',
  );
});

test('any bytes come back', () => {
  const word = fc.constantFrom(
    'swap',
    'none',
    '/s',
    '#',
    ' ',
    '\t',
    '\n',
    '\r\n',
    '\xa0',
    '\x85',
    '\xff',
    '\0',
    '# kbinit',
  );
  const text = fc.array(word, { maxLength: 40 }).map((words) => words.join(''));
  fc.assert(
    fc.property(text, (body) => {
      expect(withSwap(withoutSwap(body))).toBe(body);
      const ended = body === '' || body.endsWith('\n') ? body : `${body}\n`;
      expect(withoutHostsEntries(withHostsEntries(body, [{ address: '10.0.0.1', names: ['a'] }]))).toBe(ended);
    }),
    { numRuns: 500, seed: 3 },
  );
});
