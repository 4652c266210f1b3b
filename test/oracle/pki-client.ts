// The throw-away root as tests use it: started once, asked case by case.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { binaries } from '../lab/lab.ts';
import type { OracleCase } from './generator.ts';
import type { Answer } from './pki-root.ts';

export interface Root {
  /** Run both programs over a case. */
  ask(one: OracleCase): Promise<Answer>;
  close(): void;
}

/** Start the throw-away root: needs root's rights, and the lab's programs. */
export function openRoot(): Root {
  const program = new URL('pki-root.ts', import.meta.url).pathname;
  const args = ['--mount', '--propagation', 'private', process.execPath, '--import', 'tsx', program, binaries.kubeadm];
  const cwd = new URL('../..', import.meta.url).pathname;
  const child = spawn('unshare', args, { stdio: ['pipe', 'pipe', 'inherit'], cwd });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async ask(one) {
      child.stdin.write(`${JSON.stringify(one)}\n`);
      const next = await answers.next();
      if (next.done === true) throw new Error('the throw-away root ended');
      const answer: Answer = JSON.parse(next.value);
      return answer;
    },
    close: () => child.stdin.end(),
  };
}
