// Load balancer, phase backends: which API servers answer by now. Before init none does, so nothing here is an error.
import { joinHostPort } from '../../util/net.ts';
import type { Backend } from '../../config/load-balancer.ts';
import type { Phase, PhaseOutcome } from '../../workflow/phase.ts';
import { step } from '../context.ts';
import type { LbContext } from './context.ts';

export const backends: Phase<LbContext> = {
  name: 'backends',
  summary: 'Look which API servers answer',
  skip: ({ spec }) => (spec.isDryRun ? 'dry run' : undefined),
  run: look,
};

/** As patient as haproxy itself. */
const connectMilliseconds = 5000;

async function look(ctx: LbContext): Promise<PhaseOutcome> {
  const all = ctx.spec.balancer.backends;
  const answering = await Promise.all(all.map((backend) => answers(ctx, backend)));
  for (const [index, { name, address, port }] of all.entries()) {
    const found = answering[index] === true ? 'answers' : 'does not answer yet';
    step(ctx, 'backends', `${name} (${joinHostPort(address, port)}) ${found}`);
  }
  return 'unchanged';
}

/** A connection from the host, as haproxy makes it. */
async function answers({ host }: LbContext, { address, port }: Backend): Promise<boolean> {
  const dialled = host.dial(address, port).then(
    (stream) => {
      stream.on('error', () => undefined);
      stream.destroy();
      return true;
    },
    () => false,
  );
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), connectMilliseconds);
  });
  return Promise.race([dialled, late]).finally(() => clearTimeout(timer));
}
