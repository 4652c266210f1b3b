// Which phases a run has: names and aliases resolved, --skip-phases taken out, needs checked before anything runs.
import { KbError, type Problem } from '../errors.ts';
import type { Phase, SubPhase } from './phase.ts';

/** A phase of this run and the sub-phases asked for. */
export interface Selected<C> {
  readonly phase: Phase<C>;
  readonly parts: readonly string[];
}

interface Place<C> {
  readonly phase: Phase<C>;
  readonly part?: SubPhase;
}

/** `certs` and `certs/apiserver`, by name or alias. */
function find<C>(phases: readonly Phase<C>[], path: string): Place<C> | undefined {
  const [head = '', tail] = path.toLowerCase().split('/', 2);
  const phase = named(phases, head);
  if (phase === undefined || tail === undefined) return phase && { phase };
  const part = named(phase.phases ?? [], tail);
  return part && { phase, part };
}

function named<T extends { readonly name: string; readonly aliases?: readonly string[] }>(
  list: readonly T[],
  name: string,
): T | undefined {
  return list.find((item) => item.name === name || item.aliases?.includes(name) === true);
}

/** Every path that --skip-phases takes. */
export function phasePaths<C>(phases: readonly Phase<C>[]): readonly string[] {
  return phases.flatMap((phase) => [phase.name, ...(phase.phases ?? []).map((part) => `${phase.name}/${part.name}`)]);
}

function mustFind<C>(phases: readonly Phase<C>[], path: string): Place<C> {
  const place = find(phases, path);
  if (place !== undefined) return place;
  throw new KbError({
    code: 'KB_PHASE_UNKNOWN',
    summary: `unknown phase ${JSON.stringify(path)}`,
    detail: `the phases are ${phasePaths(phases).join(', ')}`,
    fix: 'name one of these; sub-phases are written PHASE/SUB in --skip-phases',
  });
}

/** The canonical paths of what --skip-phases names. @throws KbError KB_PHASE_UNKNOWN */
function canonicalPaths<C>(phases: readonly Phase<C>[], names: readonly string[]): ReadonlySet<string> {
  return new Set(
    names.map((name) => {
      const { phase, part } = mustFind(phases, name);
      return part === undefined ? phase.name : `${phase.name}/${part.name}`;
    }),
  );
}

/**
 * What runs: all phases, or the one named by `only` (`certs/apiserver`; a phase's name alone means all of it), less
 * what is skipped. @throws KbError KB_PHASE_UNKNOWN, KB_PHASE_NEEDS
 */
export function selectPhases<C>(
  phases: readonly Phase<C>[],
  choice: { readonly only?: string; readonly skip: readonly string[] },
): readonly Selected<C>[] {
  const skip = canonicalPaths(phases, choice.skip);
  const only = choice.only === undefined ? undefined : mustFind(phases, choice.only);
  const selected = phases
    .filter((phase) => (only === undefined || only.phase === phase) && !skip.has(phase.name))
    .map((phase) => ({
      phase,
      parts: (phase.phases ?? [])
        .filter((part) => only?.part === undefined || only.part === part)
        .map((part) => part.name)
        .filter((name) => !skip.has(`${phase.name}/${name}`)),
    }))
    .filter(({ phase, parts }) => phase.phases === undefined || parts.length > 0);
  // A phase run alone stands on what an earlier run left.
  if (only === undefined) assertNeeds(selected, skip);
  return selected;
}

function assertNeeds<C>(selected: readonly Selected<C>[], skip: ReadonlySet<string>): void {
  const without: { readonly name: string; readonly missing: readonly string[] }[] = [];
  for (const [index, { phase }] of selected.entries()) {
    const gone = new Set(without.map(({ name }) => name));
    const earlier = new Set(selected.slice(0, index).map((s) => s.phase.name));
    const missing = (phase.needs ?? []).filter((name) => !earlier.has(name) || gone.has(name));
    if (missing.length > 0) without.push({ name: phase.name, missing });
  }
  // One answer for all of them: the flag takes the place of every skipPhases before it.
  const all = [...new Set([...skip, ...without.map(({ name }) => name)])].join(',');
  const problems = without.map(({ name, missing }): Problem => ({
    code: 'KB_PHASE_NEEDS',
    summary: `phase ${name} needs ${missing.join(' and ')}`,
    detail: `${missing.join(', ')} would be skipped, but ${name} would run`,
    fix: `skip ${name} too (--skip-phases=${all}), or do not skip ${missing.join(' and ')}`,
  }));
  if (problems.length > 0) throw new KbError(problems);
}
