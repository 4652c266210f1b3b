// Writing API objects side by side, and what that amounts to.
import type { Api, KubeObject } from '../../cluster/types.ts';
import type { PhaseOutcome } from '../../workflow/phase.ts';

/** Apply objects that do not depend on each other. `unchanged` when all of them were right already. */
export async function applyAll(api: Api, objects: readonly KubeObject[]): Promise<PhaseOutcome> {
  const results = await Promise.all(objects.map((object) => api.apply(object)));
  return results.every(({ outcome }) => outcome === 'unchanged') ? 'unchanged' : 'done';
}

/** The outcome of a phase that did several things. */
export function together(outcomes: readonly PhaseOutcome[]): PhaseOutcome {
  return outcomes.every((outcome) => outcome === 'unchanged') ? 'unchanged' : 'done';
}
