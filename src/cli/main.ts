// From argv to an exit code.
import { Command, CommanderError } from 'commander';
import { exitCode, KbError } from '../errors.ts';
import { addonCommand } from './addon.ts';
import { certsCommand } from './certs.ts';
import { completionCommand } from './completion.ts';
import { configCommand } from './config.ts';
import { plainArguments } from './flags.ts';
import { initCommand } from './init.ts';
import { joinCommand } from './join.ts';
import { kubeconfigCommand } from './kubeconfig.ts';
import { Shown } from './shown.ts';
import { resetCommand } from './reset.ts';
import { tokenCommand } from './token.ts';
import { version, versionCommand } from './version.ts';

/** The whole command tree. */
function program(): Command {
  const root = new Command('kbinit')
    .description('Bootstrap Kubernetes the way kubeadm does, on this host or over SSH')
    .version(`kbinit ${version}`, '--version', "print kbinit's own version")
    .exitOverride()
    .showHelpAfterError('(add --help for the flags)')
    .configureHelp({ sortOptions: true });
  root.addCommand(initCommand());
  root.addCommand(joinCommand());
  root.addCommand(resetCommand());
  root.addCommand(addonCommand());
  root.addCommand(certsCommand());
  root.addCommand(kubeconfigCommand());
  root.addCommand(configCommand());
  root.addCommand(tokenCommand());
  root.addCommand(versionCommand());
  root.addCommand(completionCommand(root));
  inherit(root);
  return root;
}

/** commander does not hand these down to commands that were made apart. */
function inherit(command: Command): void {
  for (const child of command.commands) {
    child.copyInheritedSettings(command);
    inherit(child);
  }
}

/** Run; every failure has been shown when this returns. */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    await program().parseAsync([...plainArguments(argv)], { from: 'user' });
    return exitCode.done;
  } catch (error) {
    // commander has printed its own message, help included.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.done : exitCode.failed;
    if (error instanceof Shown) return error.exitCode;
    if (error instanceof KbError) {
      const { renderProblem } = await import('../report/problem.ts');
      for (const problem of error.problems) process.stderr.write(`${renderProblem(problem, { color: false })}\n`);
      return error.exitCode;
    }
    process.stderr.write(
      `a bug in kbinit: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    return exitCode.bug;
  }
}
