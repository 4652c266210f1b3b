// How a component's command line is composed of kubeadm's defaults and the user's extraArgs (spec 04 §3.3).
import type { Arg } from '../config/spec.ts';
import { ordersExtraArgs } from '../kube/traits.ts';
import type { KubeVersion } from '../kube/version.ts';

/** Defaults by flag name; an undefined value means the flag is not there. */
export type DefaultArgs = Readonly<Record<string, string | undefined>>;

/** `--name=value` for each flag: from 1.29 sorted defaults, then extraArgs as given; before, one sorted map. */
export function composeArguments(defaults: DefaultArgs, extraArgs: readonly Arg[], version: KubeVersion): string[] {
  const base = present(defaults);
  const list = ordersExtraArgs(version) ? append(base, extraArgs) : merge(base, extraArgs);
  return list.map(({ name, value }) => `--${name}=${value}`);
}

/** The value that counts when a flag is given more than once: the last. */
export function lastArgument(args: readonly Arg[], name: string): string | undefined {
  return args.findLast((arg) => arg.name === name)?.value;
}

function present(defaults: DefaultArgs): Arg[] {
  return Object.entries(defaults).flatMap(([name, value]) => (value === undefined ? [] : [{ name, value }]));
}

function append(base: readonly Arg[], extraArgs: readonly Arg[]): readonly Arg[] {
  const given = new Set(extraArgs.map((arg) => arg.name));
  return [...base.filter((arg) => !given.has(arg.name)).toSorted(byName), ...extraArgs];
}

function merge(base: readonly Arg[], extraArgs: readonly Arg[]): readonly Arg[] {
  const merged = new Map([...base, ...extraArgs].map((arg) => [arg.name, arg]));
  return [...merged.values()].toSorted(byName);
}

/** Go sorts strings by bytes; for flag names that is code unit order. */
function byName(a: Arg, b: Arg): number {
  if (a.name === b.name) return 0;
  return a.name < b.name ? -1 : 1;
}
