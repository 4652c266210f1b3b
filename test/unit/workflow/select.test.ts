import { expect, test } from 'vitest';
import { KbError } from '../../../src/errors.ts';
import type { Phase } from '../../../src/workflow/phase.ts';
import { phasePaths, selectPhases } from '../../../src/workflow/select.ts';

const run = (): Promise<void> => Promise.resolve();
const phases: readonly Phase<unknown>[] = [
  { name: 'preflight', summary: '', run },
  {
    name: 'certs',
    summary: '',
    run,
    phases: [
      { name: 'ca', summary: '' },
      { name: 'apiserver', summary: '' },
    ],
  },
  { name: 'upload-certs', summary: '', run },
  { name: 'bootstrap-token', aliases: ['bootstraptoken'], summary: '', run },
  { name: 'show-join', aliases: ['show-join-command'], summary: '', needs: ['bootstrap-token', 'upload-certs'], run },
];

const names = (choice: Parameters<typeof selectPhases>[1]): readonly string[] =>
  selectPhases(phases, choice).map(({ phase, parts }) => [phase.name, ...parts].join(' '));

function failure(choice: Parameters<typeof selectPhases>[1]): KbError {
  try {
    selectPhases(phases, choice);
  } catch (error) {
    if (error instanceof KbError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

test('without a choice every phase runs in its order with all its parts', () => {
  expect(names({ skip: [] })).toEqual([
    'preflight',
    'certs ca apiserver',
    'upload-certs',
    'bootstrap-token',
    'show-join',
  ]);
});

test('a sub-phase can be run alone', () => {
  expect(names({ only: 'certs/apiserver', skip: [] })).toEqual(['certs apiserver']);
});

test('a phase run alone does not need the phases it needs in a whole run', () => {
  expect(names({ only: 'show-join', skip: [] })).toEqual(['show-join']);
});

test('skipping a phase skips its parts, skipping a part leaves the others', () => {
  expect(names({ skip: ['certs'] })).not.toContain('certs ca apiserver');
  expect(names({ skip: ['certs/ca'] })).toContain('certs apiserver');
});

test('a phase whose parts are all skipped does not run', () => {
  expect(names({ skip: ['certs/ca', 'certs/apiserver'] })).not.toContain('certs');
});

test("kubeadm's names are understood", () => {
  expect(names({ skip: ['bootstraptoken', 'show-join-command'] })).toEqual([
    'preflight',
    'certs ca apiserver',
    'upload-certs',
  ]);
});

test('an unknown phase is refused and the known ones are listed', () => {
  const error = failure({ skip: ['certz'] });
  expect(error.problems[0]).toMatchObject({ code: 'KB_PHASE_UNKNOWN' });
  expect(error.message).toContain(phasePaths(phases).join(', '));
});

test('skipping what a later phase needs is refused before anything runs', () => {
  expect(failure({ skip: ['upload-certs'] }).problems[0]).toMatchObject({
    code: 'KB_PHASE_NEEDS',
    summary: 'phase show-join needs upload-certs',
  });
});

test('the advice holds what was skipped before, and all phases that would be left without another', () => {
  const more = [...phases, { name: 'celebrate', summary: '', needs: ['show-join'], run }];
  const attempt = (): unknown => selectPhases(more, { skip: ['bootstraptoken', 'certs/ca'] });
  expect(attempt).toThrow(KbError);
  const fixes = ((): readonly string[] => {
    try {
      attempt();
      return [];
    } catch (error) {
      return error instanceof KbError ? error.problems.map(({ fix }) => fix) : [];
    }
  })();
  expect(fixes).toHaveLength(2);
  const advice = /--skip-phases=([^)]*)\)/.exec(fixes[0] ?? '')?.[1] ?? '';
  expect(advice).toBe('bootstrap-token,certs/ca,show-join,celebrate');
  expect(fixes[1]).toContain(`--skip-phases=${advice})`);
  expect(() => selectPhases(more, { skip: advice.split(',') })).not.toThrow();
});
