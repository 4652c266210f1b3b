// etcd cluster, phase start: members that do not run all at once, members with new files one after the other.
import { KbError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { script, sh } from '../../host/shell.ts';
import { etcdPaths } from '../../manifests/etcd-unit.ts';
import { TimedOut, until } from '../../util/until.ts';
import type { Phase, PhaseOutcome } from '../../workflow/phase.ts';
import { stopIfAsked, reportedTo } from '../context.ts';
import { onAll, stepOn, type EtcdClusterContext, type Member } from './context.ts';
import { explain } from './explain.ts';
import { unhealthy, type Unhealthy } from './health.ts';

export const start: Phase<EtcdClusterContext> = {
  name: 'start',
  summary: 'Start the members and wait until all of them serve',
  run: startAll,
};

/** Slow disks included: the first election takes a second. */
const healthSeconds = 90;
/** Two starts with the unit's RestartSec between them. */
const crashSeconds = 12;
const unit = 'etcd.service';

async function startAll(ctx: EtcdClusterContext): Promise<PhaseOutcome> {
  const states = await onAll(ctx.members, async (member, index) => ({
    member,
    ...(await stateOf(member.host, ctx.programs[index]?.path ?? '')),
  }));
  for (const { member, runs, isEnabled } of states) {
    if (runs !== 'yes' || !isEnabled) ctx.touched.add(member.host.name);
  }
  const down = states.filter(({ runs }) => runs === 'no');
  const stale = states.filter(({ runs }) => runs === 'stale');
  // systemctl start would wait for a majority, which there is only once the others have been started too.
  await onAll(states, ({ member: { host }, isEnabled, runs }) =>
    begin(host, { isEnabled, verb: runs === 'no' ? 'start' : undefined }),
  );
  if (ctx.spec.isDryRun) return ctx.touched.size > 0 ? 'done' : 'unchanged';
  const isServing = down.length === 0 && (await unhealthy(ctx)).length === 0;
  if (isServing) await restartInTurn(ctx, stale);
  else await onAll(stale, ({ member: { host } }) => begin(host, { isEnabled: true, verb: 'restart' }));
  await waitForAll(ctx);
  return ctx.touched.size > 0 ? 'done' : 'unchanged';
}

/** The majority stays: a member is only taken when all of them serve. */
async function restartInTurn(ctx: EtcdClusterContext, stale: readonly { readonly member: Member }[]): Promise<void> {
  for (const { member } of stale) {
    stopIfAsked(ctx);
    stepOn(ctx, member.host, 'start', 'restarting the member with its new files');
    await begin(member.host, { isEnabled: true, verb: 'restart' });
    await waitForAll(ctx);
  }
}

// ------------------------------------------------------------------------------------------------------- one member

interface MemberState {
  /** `stale`: one of its files is younger than the process. */
  readonly runs: 'yes' | 'stale' | 'no';
  readonly isEnabled: boolean;
}

// In UTC on both sides: the names of time zones are not unique. NeedDaemonReload and these properties are systemd 219's.
const look = script`
systemctl is-enabled -q "$1" 2>/dev/null && echo enabled || echo disabled
case $(systemctl is-active "$1") in active | activating) ;; *) echo no; exit 0 ;; esac
since=$(TZ=UTC systemctl show -p ExecMainStartTimestamp "$1" | cut -d = -f 2)
since=$(TZ=UTC date -d "$since" +%s 2>/dev/null) || { echo stale; exit 0; }
shift
for file do
  [ "$(stat -c %Y -- "$file" 2>/dev/null || echo 0)" -le "$since" ] || { echo stale; exit 0; }
done
echo yes
`;

async function stateOf(host: Host, program: string): Promise<MemberState> {
  const files = [etcdPaths.config, etcdPaths.unit, program];
  const { stdout } = await host.probe(sh`set -- ${unit} ${files}; ${look}`);
  const [enabled, runs] = stdout.split('\n');
  return { isEnabled: enabled === 'enabled', runs: runs === 'yes' || runs === 'stale' ? runs : 'no' };
}

/** Enable the unit and ask systemd for what is wanted; nothing waits here. @throws KbError KB_ETCD_START */
async function begin(
  host: Host,
  { isEnabled, verb }: { readonly isEnabled: boolean; readonly verb: 'start' | 'restart' | undefined },
): Promise<void> {
  if (isEnabled && verb === undefined) return;
  const steps = [
    ...(verb === undefined ? [] : [sh`systemctl daemon-reload`]),
    ...(isEnabled ? [] : [sh`systemctl enable -q ${unit}`]),
    ...(verb === undefined ? [] : [sh`systemctl ${verb} --no-block ${unit}`]),
  ];
  const command = steps.reduce((all, step) => sh`${all} && ${step}`);
  const { code, stderr } = await host.run(command, `${verb ?? 'enable'} the etcd member`, { idempotent: true });
  if (code === 0) return;
  throw new KbError({
    code: 'KB_ETCD_START',
    summary: 'systemd does not start etcd',
    host: host.name,
    detail: stderr.trim() || `exit code ${code}`,
    fix: `see systemctl status ${unit} on the host`,
  });
}

async function waitForAll(ctx: EtcdClusterContext): Promise<void> {
  const [what, begun] = ['the etcd members', performance.now()];
  const given = { timeoutSeconds: healthSeconds, intervalMs: 300, ...reportedTo(ctx, 'start', what) };
  try {
    const crash = await until<TimedOut | undefined>(what, given, async () => {
      const bad = await unhealthy(ctx);
      if (bad.length === 0) return { value: undefined };
      const last = bad.map(({ member, why }) => `${member.name}: ${why}`).join('; ');
      const seconds = Math.round((performance.now() - begun) / 1000);
      const hasCrashed = seconds >= crashSeconds && (await Promise.all(bad.map(crashes))).includes(true);
      return hasCrashed ? { value: new TimedOut(what, last, seconds) } : { notYet: last };
    });
    if (crash !== undefined) throw crash;
  } catch (error) {
    if (!(error instanceof TimedOut)) throw error;
    throw await explain(ctx, error, await unhealthy(ctx));
  }
}

/** systemd waits to start it again: by now it has ended by itself more than once, and will again. */
async function crashes({ member: { host } }: Unhealthy): Promise<boolean> {
  const { stdout } = await host.probe(sh`systemctl show -p SubState ${unit}`);
  return /auto-restart|failed/.test(stdout);
}
