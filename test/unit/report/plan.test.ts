import { describe, expect, test } from 'vitest';
import type { RunEvent } from '../../../src/report/events.ts';
import { planView, type PlanViewOptions } from '../../../src/report/plan.ts';

const start: RunEvent = { kind: 'run-start', command: 'init', hosts: ['m1', 'worker1'] };
const items: readonly RunEvent[] = [
  { kind: 'plan', host: 'm1', action: 'create', text: 'create /a (0644)', content: 'one\n\ntwo\n' },
  { kind: 'plan', host: 'm1', action: 'keep', text: 'keep ConfigMap kube-system/a' },
  { kind: 'plan', host: 'm1', action: 'run', text: 'start the kubelet: systemctl start kubelet' },
  { kind: 'plan', host: 'm1', action: 'change', text: 'update ConfigMap kube-system/b abcdef.0123456789abcdef' },
  { kind: 'plan', host: 'm1', action: 'delete', text: 'clean up: remove /b' },
];

/** What a view prints of these events. */
function printed(events: readonly RunEvent[], options: Partial<PlanViewOptions> = {}, isComplete = true): string {
  let text = '';
  const view = planView({ print: (more) => void (text += more), verbose: false, ...options });
  for (const event of events) view.emit(event);
  view.end(isComplete);
  return text;
}

describe('the plan of a dry run', () => {
  test('is a line an item with its content below it, and ends with its counts', () => {
    expect(printed([start, ...items])).toBe(`m1       create /a (0644)
    one

    two
m1       start the kubelet: systemctl start kubelet
m1       update ConfigMap kube-system/b abcdef.****************
m1       clean up: remove /b
Plan: 1 to create, 2 to change, 1 to delete on 1 host.
`);
  });

  test('shows what is kept with -v', () => {
    expect(printed([start, ...items], { verbose: true })).toContain('m1       keep ConfigMap kube-system/a\n');
  });

  test('of nothing says so, for all hosts of the run', () => {
    expect(printed([start])).toBe('Plan: 0 to create, 0 to change, 0 to delete on 2 hosts.\n');
  });

  test('that a failure cut short is called incomplete, and no plan is none', () => {
    expect(printed([start, ...items], {}, false)).toMatch(/\nIncomplete plan: 1 to create, .*\n$/);
    expect(printed([start], {}, false)).toBe('');
  });

  test('is one document in another form', () => {
    const text = printed([start, ...items], { render: (plan) => JSON.stringify(plan) });
    expect(JSON.parse(text)).toMatchObject({
      kind: 'Plan',
      complete: true,
      counts: { create: 1, change: 2, delete: 1, hosts: 1 },
      changes: [
        { host: 'm1', action: 'create', text: 'create /a (0644)', content: 'one\n\ntwo\n' },
        { action: 'keep' },
        { action: 'run' },
        { action: 'change', text: 'update ConfigMap kube-system/b abcdef.****************' },
        { action: 'delete' },
      ],
    });
  });
});
