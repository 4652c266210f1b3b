// What a phase is: a value with a name, a sentence about itself and a function. Knows no Kubernetes.

/** What a phase did: `unchanged` when everything it makes was there already. Returning nothing means `done`. */
export type PhaseOutcome = 'done' | 'unchanged';

/**
 * One step of a workflow. Sub-phases can be named alone (`certs apiserver`); their parent's `run` gets the names of
 * those that were asked for and does them in one go, so that a group costs one round trip.
 */
export interface Phase<C> {
  /** kebab-case; a sub-phase's path is `parent/child`. */
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly summary: string;
  /** Phases that must be part of the run before this one (kubeadm's Dependencies). */
  readonly needs?: readonly string[];
  /** Long names of the flags that `phase NAME` takes, as declared in cli/flags.ts. */
  readonly flags?: readonly string[];
  readonly phases?: readonly SubPhase[];
  /** False where the phase is no part of this run at all: then nothing is said about it. Left out means true. */
  readonly isPart?: (ctx: C) => boolean;
  /** A reason to leave the phase out, shown to the user; undefined means: run it. */
  readonly skip?: (ctx: C) => string | undefined;
  /** `parts` are the asked-for sub-phases' names in their declared order; empty where there are none. */
  readonly run: (ctx: C, parts: readonly string[]) => Promise<PhaseOutcome | void>;
}

/** A part of a phase that can be run or skipped by its own name. */
export interface SubPhase {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly summary: string;
  readonly flags?: readonly string[];
}
