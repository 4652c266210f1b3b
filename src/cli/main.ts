// From argv to an exit code.
import { Command, CommanderError, Option } from 'commander';
import { exitCode, KbError, type Problem } from '../errors.ts';
import { columnsFor } from '../report/columns.ts';
import { didYouMean } from '../util/propose.ts';
import { addonCommand } from './commands/addon.ts';
import { watchOutput } from './output/answer-output.ts';
import { examples } from './examples.ts';
import { helpHeading } from './flag-groups.ts';
import { bundleCommand } from './commands/bundle.ts';
import { certsCommand } from './commands/certs.ts';
import { completionCommand } from './commands/completion.ts';
import { configCommand } from './commands/config.ts';
import { etcdCommand } from './commands/etcd.ts';
import { plainArguments } from './flags.ts';
import { hostCommand } from './commands/host.ts';
import { initCommand } from './commands/init.ts';
import { joinCommand } from './commands/join.ts';
import { kubeconfigCommand } from './commands/kubeconfig.ts';
import { lbCommand } from './commands/lb.ts';
import { nodeCommand } from './commands/node.ts';
import { preflightCommand } from './commands/preflight.ts';
import { ReportedError } from './run/reported-error.ts';
import { resetCommand } from './commands/reset.ts';
import { sshCommand } from './commands/ssh.ts';
import { assertSshHasHost } from './run/this-machine.ts';
import { tokenCommand } from './commands/token.ts';
import { version, versionCommand } from './commands/version.ts';

/** The whole command tree; `argv` is what a run tells its user to type again. */
export function program(argv: readonly string[] = []): Command {
  const root = new Command('kbinit')
    .description('Bootstrap Kubernetes the way kubeadm does, on this host or over SSH')
    .version(`kbinit ${version}`, '--version', "print kbinit's own version")
    .exitOverride()
    // main shows errors, as any other failure; help goes to standard output, also where a subcommand is missing (kubeadm).
    .configureOutput({
      outputError: () => undefined,
      writeErr: (text) => void process.stdout.write(text),
      getOutHelpWidth: () => columnsFor(process.stdout, process.env) ?? 120,
      getErrHelpWidth: () => columnsFor(process.stdout, process.env) ?? 120,
    })
    .addHelpOption(new Option('-h, --help', 'show this help').helpGroup(helpHeading))
    .showSuggestionAfterError(false)
    .configureHelp({ sortOptions: true });
  root.addCommand(initCommand());
  root.addCommand(joinCommand());
  root.addCommand(resetCommand());
  root.addCommand(preflightCommand());
  root.addCommand(hostCommand());
  root.addCommand(bundleCommand());
  root.addCommand(addonCommand());
  root.addCommand(lbCommand());
  root.addCommand(etcdCommand());
  root.addCommand(nodeCommand());
  root.addCommand(sshCommand());
  root.addCommand(certsCommand());
  root.addCommand(kubeconfigCommand());
  root.addCommand(configCommand());
  root.addCommand(tokenCommand());
  root.addCommand(versionCommand());
  root.addCommand(completionCommand(root));
  inherit(root);
  addExamples(root);
  root.hook('preAction', (_, command) => {
    command.setOptionValue('commandLine', argv);
    assertSshHasHost(command);
  });
  return root;
}

/** commander does not hand these down to commands that were made apart. */
function inherit(command: Command): void {
  for (const child of command.commands) {
    child.copyInheritedSettings(command);
    inherit(child);
  }
}

/** Examples come last in help, below the phases. */
function addExamples(command: Command): void {
  const path = command.parent === null ? 'kbinit' : pathOf(command).replace(/^kbinit /, '');
  const lines = examples[path];
  if (lines !== undefined) command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`);
  command.commands.forEach(addExamples);
}

/** Run; every failure has been shown when this returns. */
export async function main(argv: readonly string[]): Promise<number> {
  const output = watchOutput();
  const code = await run(argv);
  const lost = await output.failure();
  if (lost === undefined) return code;
  await tell(new KbError(lost));
  return code === exitCode.done ? exitCode.failed : code;
}

async function run(argv: readonly string[]): Promise<number> {
  const root = program(argv);
  try {
    await root.parseAsync([...plainArguments(helpWords(root, argv))], { from: 'user' });
    return exitCode.done;
  } catch (error) {
    if (error instanceof ReportedError) return error.exitCode;
    if (!(error instanceof CommanderError)) return tell(error);
    // Help and version were asked for and printed.
    if (error.exitCode === 0) return exitCode.done;
    // So was the help of a group of commands without one of them: kubeadm's alone ends with 0, its groups fail.
    if (error.code === 'commander.help' && commandOf(root, argv) === root) return exitCode.done;
    return tell(new KbError(usageProblem(error, root, argv)));
  }
}

/** Show a failure. */
async function tell(error: unknown): Promise<number> {
  const [{ renderProblem }, { redactor }] = await Promise.all([
    import('../report/problem.ts'),
    import('../report/redact.ts'),
  ]);
  const columns = columnsFor(process.stderr, process.env);
  const say = (text: string): boolean => process.stderr.write(`${redactor.text(text)}\n`);
  if (error instanceof KbError) {
    for (const problem of error.problems) {
      const shown = redactor.event({ kind: 'problem', problem });
      if (shown.kind === 'problem') say(renderProblem(shown.problem, { color: false, columns }));
    }
    return error.exitCode;
  }
  say(`a bug in kbinit: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  return exitCode.bug;
}

/** What commander could not read, and what there is instead. */
function usageProblem(error: CommanderError, root: Command, argv: readonly string[]): Problem {
  const command = commandOf(root, argv);
  const name = pathOf(command);
  const detail = error.message.replace(/^error: /, '').replaceAll(/\s*\n\s*/g, ' ');
  return {
    code: 'KB_USAGE',
    summary: 'invalid command or flag',
    detail: usageDetail(error.code, detail, command),
    fix: usageFix(error.code, detail, command) ?? `run \`${name} --help\` for usage`,
  };
}

function usageDetail(code: string, detail: string, command: Command): string {
  const names = command.commands.map((child) => child.name());
  const has = `${pathOf(command)} has: ${names.join(', ')}`;
  const [, word = ''] = /'([^']*)'/.exec(detail) ?? [];
  switch (code) {
    case 'commander.help':
      return `a subcommand is required; ${has}`;
    case 'commander.unknownCommand':
      return `${detail}${didYouMean(word, [...names, ...command.commands.flatMap((child) => child.aliases())])}; ${has}`;
    case 'commander.unknownOption': {
      const flags = command.options.filter(({ hidden }) => !hidden).flatMap(({ long }) => long ?? []);
      return `${detail}${didYouMean(word, flags)}`;
    }
    case 'commander.invalidArgument': {
      const choices = /Allowed choices are (.*)\.$/.exec(detail)?.[1]?.split(', ') ?? [];
      const [, value = ''] = /'([^']*)' is invalid/.exec(detail) ?? [];
      return `${detail}${didYouMean(value, choices)}`;
    }
    default:
      return detail;
  }
}

/** kubeadm's commands that kbinit does not have: where to go instead. */
function usageFix(code: string, detail: string, command: Command): string | undefined {
  const isUpgrade = code === 'commander.unknownCommand' && command.parent === null && detail.includes("'upgrade'");
  return isUpgrade
    ? 'run `kubeadm upgrade plan` on a control plane: kbinit does not upgrade clusters yet, and kubeadm does for clusters of kbinit'
    : undefined;
}

/** `kbinit help WORD …` is `kbinit WORD … --help`. @throws CommanderError for a word that is no command */
function helpWords(root: Command, argv: readonly string[]): readonly string[] {
  const [first, ...words] = argv;
  if (first !== 'help' || words.length === 0) return argv;
  let command = root;
  for (const word of words.filter((one) => !one.startsWith('-'))) {
    const child = command.commands.find((one) => one.name() === word || one.aliases().includes(word));
    if (child === undefined) {
      throw new CommanderError(exitCode.failed, 'commander.unknownCommand', `error: unknown command '${word}'`);
    }
    command = child;
  }
  return [...words, '--help'];
}

/** The command that a line names, as deep as its words go. */
function commandOf(root: Command, argv: readonly string[]): Command {
  let command = root;
  for (const word of argv) {
    command = command.commands.find((child) => child.name() === word || child.aliases().includes(word)) ?? command;
  }
  return command;
}

/** `kbinit init phase certs` */
function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}
