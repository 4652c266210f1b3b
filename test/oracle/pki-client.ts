// The throw-away root as tests use it: started once, asked case by case.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { OracleCase } from './generator.ts';
import { oracleKubeadm } from './kubeadm.ts';
import type { Answer } from './pki-root.ts';

export interface Root {
  /** Run both programs over a case. */
  ask(one: OracleCase): Promise<Answer>;
  close(): Promise<void>;
}

/** Start the throw-away root: needs root's rights, and the lab's programs. */
export function openRoot(): Root {
  const program = new URL('pki-root.ts', import.meta.url).pathname;
  const work = mkdtempSync(join(tmpdir(), 'kbinit-root-'));
  const args = ['--mount', '--propagation', 'private', process.execPath, '--import', 'tsx', program];
  const cwd = new URL('../..', import.meta.url).pathname;
  const child = spawn('unshare', [...args, oracleKubeadm.path, work], { stdio: ['pipe', 'pipe', 'inherit'], cwd });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async ask(one) {
      child.stdin.write(`${JSON.stringify(one)}\n`);
      const next = await answers.next();
      if (next.done === true) throw new Error('the throw-away root ended');
      const answer: Answer = JSON.parse(next.value);
      return answer;
    },
    async close() {
      child.stdin.end();
      await ended;
      // Its mounts went with its namespace: what is left is the empty folder.
      rmSync(work, { recursive: true, force: true });
    },
  };
}
