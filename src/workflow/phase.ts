// What a phase is: a value with a name, a sentence about itself and a function. Knows no Kubernetes.

/** One step of a workflow, or a group of steps. A parent with `phases` may have a `run` of its own, which goes first. */
export interface Phase<C> {
  /** kebab-case; the path of a child is `parent/child`. */
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly summary: string;
  /** Names of phases that must be part of the run before this one (kubeadm's Dependencies). */
  readonly needs?: readonly string[];
  /** Names of the flags that `phase NAME` takes, as declared in cli/flags.ts. */
  readonly flags?: readonly string[];
  readonly phases?: readonly Phase<C>[];
  /** A reason to leave the phase out, shown to the user; undefined means: run it. */
  readonly skip?: (ctx: C) => string | undefined;
  readonly run?: (ctx: C) => Promise<PhaseOutcome | void>;
}

/** What a phase did: `unchanged` when everything it makes was there already. Returning nothing means `done`. */
export type PhaseOutcome = 'done' | 'unchanged';
