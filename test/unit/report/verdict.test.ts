import { expect, test } from 'vitest';
import type { RunEvent } from '../../../src/report/events.ts';
import { watchPhases } from '../../../src/report/open-phases.ts';
import { untilVerdict } from '../../../src/report/verdict.ts';
import { recordingReporter } from '../../fakes/host.ts';

const warning: RunEvent = { kind: 'warning', host: 'a', text: 'root@a:22 went away; trying again' };
const end: RunEvent = { kind: 'run-end', exitCode: 4, seconds: 1 };

test('after the verdict a run shows its end and nothing else', () => {
  const view = recordingReporter();
  const shown = untilVerdict(view);
  shown.emit(warning);
  shown.close();
  for (const event of [warning, end, warning]) shown.emit(event);
  expect(view.events).toEqual([warning, end]);
});

test('a phase is open from its start to its end, on its own host', () => {
  const watch = watchPhases(recordingReporter());
  const start = (phase: string, host: string): void => watch.emit({ kind: 'phase-start', phase, host, summary: '' });
  start('certs', 'a');
  start('certs', 'b');
  watch.emit({ kind: 'phase-end', phase: 'certs', host: 'a', outcome: 'done', seconds: 1 });
  expect(watch.open).toEqual(['certs on b']);
});
