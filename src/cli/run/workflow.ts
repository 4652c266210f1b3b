// What init, join and reset have in common: `phase` sub-commands made from a phase list, and a run shown as events.
import type { Command } from 'commander';
import type { RunContext } from '../../phases/context.ts';
import type { Phase } from '../../workflow/phase.ts';
import { runPhases } from '../../workflow/runner.ts';
import { selectPhases } from '../../workflow/select.ts';
import { isRepeatable, withFlags } from '../flags.ts';
import { givenTwice } from './given-once.ts';
import { repeatWhenLost } from './repeat.ts';

/** The phases of a command, or the one whose path is `only`, told to the reporter as each starts and ends. */
export async function runWorkflow<C extends RunContext & { readonly spec: { readonly skipPhases: readonly string[] } }>(
  phases: readonly Phase<C>[],
  ctx: C,
  only: string | undefined,
): Promise<void> {
  const skip = ctx.spec.skipPhases;
  const selected = selectPhases(phases, only === undefined ? { skip } : { only, skip });
  const { reporter, signal } = ctx;
  const host = ctx.host.name;
  await runPhases(selected, ctx, {
    signal,
    now: () => performance.now(),
    isWorthRepeating: repeatWhenLost(reporter, host),
    observer: {
      started: (phase, summary) => reporter.emit({ kind: 'phase-start', phase, host, summary }),
      ended: (phase, outcome, seconds, reason) =>
        reporter.emit({
          kind: 'phase-end',
          phase,
          host,
          outcome,
          seconds,
          ...(reason === undefined ? {} : { reason }),
        }),
    },
  });
}

/**
 * Add `phase NAME [SUB|all]` to a command. A phase with parts is run by `all` or by a part's name, as kubeadm does it.
 * `action` gets the path of the phase and the command whose options were given; `declare` gives a phase its flags.
 */
export function addPhaseCommands<C>(
  parent: Command,
  phases: readonly Phase<C>[],
  action: (path: string, command: Command) => Promise<void>,
  declare: (command: Command, names: readonly string[]) => Command = withFlags,
): void {
  const run = (path: string, command: Command, names: readonly string[] = []): void => {
    for (const argument of parent.registeredArguments) command.addArgument(argument);
    declare(command, names).action(() => {
      takeOver(parent, command);
      return action(path, command);
    });
  };
  parent.addHelpText(
    'after',
    () => `\nPhases, in this order (--skip-phases skips them, \`phase NAME\` runs one):\n${phaseTree(phases, 'names')}`,
  );
  const group = parent.command('phase').description(`Run one phase of ${parent.name()}`);
  group.addHelpText('after', () => `\nThe phases in their order:\n${phaseTree(phases)}`);
  for (const phase of phases) {
    const command = group
      .command(phase.name)
      .description(phase.summary)
      .aliases([...(phase.aliases ?? [])]);
    if (phase.phases === undefined) {
      run(phase.name, command, phase.flags);
      continue;
    }
    const all = command.command('all').description(`Run all of ${phase.name}`);
    run(phase.name, all, phase.flags);
    for (const part of phase.phases) {
      const child = command
        .command(part.name)
        .description(part.summary)
        .aliases([...(part.aliases ?? [])]);
      run(`${phase.name}/${part.name}`, child, part.flags);
    }
  }
}

/** Flags may stand before the word `phase` too, as with kubeadm; there as well one that the phase does not have is refused. */
function takeOver(parent: Command, command: Command): void {
  for (const declared of parent.options) {
    const name = declared.attributeName();
    if (parent.getOptionValueSource(name) !== 'cli') continue;
    // By its spelling: --output of a phase that answers is another flag than that of its command's plan.
    const its = command.options.find(({ long }) => long === declared.long);
    if (its === undefined) {
      command.error(`error: unknown option '${declared.long ?? name}'`, { code: 'commander.unknownOption' });
    }
    const itsName = its.attributeName();
    const [before, own]: readonly unknown[] = [parent.getOptionValue(name), command.getOptionValue(itsName)];
    const values = [...new Set([...asList(before), ...asList(own)])];
    const isSingle = !isRepeatable(its);
    const texts = values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value)));
    const [first = '', second] = texts;
    if (isSingle && second !== undefined) throw givenTwice(declared, first, second);
    command.setOptionValueWithSource(itsName, isSingle ? values[0] : values, 'cli');
  }
}

function asList(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? Array.from<unknown>(value) : [value];
}

/** The tree as help shows it; `names` leaves the parts of phases out. */
function phaseTree<C>(phases: readonly Phase<C>[], which: 'all' | 'names' = 'all'): string {
  const width = 34;
  return phases
    .flatMap((phase) => [
      `  ${phase.name.padEnd(width)}${phase.summary}`,
      ...(which === 'all' ? (phase.phases ?? []) : []).map(
        (part) => `    /${part.name.padEnd(width - 3)}${part.summary}`,
      ),
    ])
    .join('\n');
}
