// When a wait runs out: read the kubelet's journal and the containers' logs for the user, and name the likely cause.
import { KbError, type Problem } from '../errors.ts';
import { sh } from '../host/shell.ts';
import type { GaveUp } from '../util/until.ts';
import type { RunContext } from './context.ts';
import { causes, type Cause } from './causes.ts';

/** What was found on the host, in the order in which it is searched for a cause. */
interface Evidence {
  readonly source: string;
  readonly lines: readonly string[];
}

/** The failure of a wait, with its likely cause, the line that proves it, and the command to go on. */
export async function explainFailure(ctx: RunContext, component: string, failure: GaveUp): Promise<KbError> {
  const evidence = await collect(ctx, component);
  const match = findCause(evidence);
  const tail = evidence.flatMap(({ source, lines }) => lines.slice(-3).map((line) => `${source}: ${line}`));
  const isKubelet = component === 'the kubelet';
  const problem: Problem = {
    code: isKubelet ? 'KB_KUBELET_NOT_HEALTHY' : 'KB_COMPONENT_NOT_HEALTHY',
    summary: `${component} did not come up`,
    host: ctx.host.name,
    detail:
      match === undefined
        ? `waited ${failure.seconds} s for ${failure.what}; last answer: ${failure.last}`
        : `${match.cause.summary} (waited ${failure.seconds} s; last answer: ${failure.last})`,
    fix: `${match?.cause.fix ?? `read the evidence, or \`journalctl -xeu kubelet\` and \`crictl ps -a\` on ${ctx.host.name}`}; then go on with: ${ctx.resumeCommand}`,
    evidence: match === undefined ? tail.slice(-8) : [`${match.source}: ${match.line}`],
  };
  return new KbError(problem);
}

function findCause(evidence: readonly Evidence[]): { cause: Cause; source: string; line: string } | undefined {
  for (const cause of causes) {
    for (const { source, lines } of evidence) {
      const line = lines.findLast((text) => cause.pattern.test(text));
      if (line !== undefined) return { cause, source, line };
    }
  }
  return undefined;
}

/** One round trip for everything; what the host lacks is left out. */
async function collect(ctx: RunContext, component: string): Promise<readonly Evidence[]> {
  const name = component === 'the kubelet' ? '' : component;
  // What was said before this run is not about it. The host's own clock counts.
  const { clock } = await ctx.host.facts();
  const { stdout } = await ctx.host.probe(sh`
name=${name}
echo '== kubelet service'
systemctl show kubelet -p ActiveState -p SubState -p ExecMainStatus -p Result 2>&1
echo '== kubelet journal'
journalctl -u kubelet --since ${`@${Math.floor(clock.host)}`} -n 150 --no-pager -o cat 2>/dev/null
if command -v crictl >/dev/null 2>&1; then
  if crictl version >/dev/null 2>&1; then
    echo '== images'
    for image in $(sed -n 's/^ *image: //p' /etc/kubernetes/manifests/\${name:-*}.yaml 2>/dev/null | sort -u); do
      crictl inspecti -q "$image" >/dev/null 2>&1 || echo "image $image is not on the host"
    done
  fi
  echo '== containers'
  crictl ps -a 2>&1 | head -n 20
  for id in $(crictl ps -a -q \${name:+--name "$name"} 2>/dev/null | head -n 4); do
    echo "== log of container $(printf %.13s "$id")"
    crictl logs --since ${new Date(clock.host * 1000).toISOString()} --tail 25 "$id" 2>&1
  done
else
  for file in $(ls -t /var/log/pods/kube-system_*"$name"*/*/*.log 2>/dev/null | head -n 4); do
    echo "== $file"
    tail -n 25 "$file"
  done
fi
exit 0
`);
  const sections: { source: string; lines: string[] }[] = [];
  for (const line of stdout.split('\n')) {
    if (line.startsWith('== ')) sections.push({ source: line.slice('== '.length), lines: [] });
    else if (line.trim() !== '') sections.at(-1)?.lines.push(shortened(line.trim()));
  }
  return sections;
}

/** A log line's beginning and its end, where Go puts the reason. */
function shortened(line: string): string {
  return line.length <= 600 ? line : `${line.slice(0, 200)} … ${line.slice(-380)}`;
}
