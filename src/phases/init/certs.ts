// Phase certs: three CAs, what they sign, and the service-account key pair.
import { certificatePhaseNames } from '../../certs/plan.ts';
import { ensurePki } from '../../certs/pki.ts';
import { count } from '../../util/text.ts';
import type { Phase, PhaseOutcome } from '../../workflow/phase.ts';
import { claim, ownFiles } from './claim.ts';
import { step, warn, type InitContext } from '../context.ts';
import { outcomeOf } from './control-plane.ts';
import { readExisting, remember } from './existing.ts';
import { journalFolder, resetJournalPath } from '../journal.ts';
import { asKept, tellOpen } from '../kept.ts';

const flags = ['cert-dir', 'config', 'kubernetes-version', 'dry-run'];
const servingFlags = [
  'apiserver-advertise-address',
  'control-plane-endpoint',
  'apiserver-cert-extra-sans',
  'service-dns-domain',
  'service-cidr',
];

export const certs: Phase<InitContext> = {
  name: 'certs',
  summary: 'Generate the certificates: three CAs, what they sign, the service account keys',
  flags: [...flags, ...servingFlags],
  phases: certificatePhaseNames.map(({ name, summary }) => ({
    name,
    summary,
    flags: name === 'apiserver' ? [...flags, ...servingFlags] : flags,
  })),
  run: makeCertificates,
};

async function makeCertificates(ctx: InitContext, parts: readonly string[]): Promise<PhaseOutcome> {
  const existing = await readExisting(ctx);
  const pki = await ensurePki({
    cluster: ctx.spec.cluster,
    node: ctx.spec.node,
    localAPIEndpoint: ctx.spec.localAPIEndpoint,
    only: parts,
    existing,
    chance: ctx.chance,
    now: ctx.startedAt,
    // A file of the journal that was there before this run is half of a pair that the killed run did not finish.
    journal: await ownFiles(ctx),
  });
  for (const text of pki.warnings) warn(ctx, 'certs', text);
  const folder = ctx.spec.cluster.certificatesDir;
  // The journal goes first: from then on a kill leaves proof of what this run was making.
  if (existing.has(resetJournalPath)) await ctx.host.remove([resetJournalPath], 'a reset that was cut is over');
  const [kept, journal] = [asKept(pki.kept), await claim(ctx, pki.artifacts)];
  const changes = await ctx.host.write(
    [...journal, ...pki.artifacts, ...kept],
    [
      { path: journalFolder, mode: 0o700 },
      { path: folder, mode: 0o755 },
      ...(ctx.spec.cluster.etcd.kind === 'local' ? [{ path: `${folder}/etcd`, mode: 0o755 }] : []),
    ],
  );
  tellOpen(ctx, 'certs', kept, changes);
  await remember(ctx, [...journal, ...pki.artifacts]);
  for (const { base, dnsNames, ipAddresses } of pki.items) {
    if (dnsNames !== undefined && ipAddresses !== undefined) {
      step(ctx, 'certs', `${base} is valid for ${[...dnsNames, ...ipAddresses].join(', ')}`);
    }
  }
  const reused = pki.items.filter(({ outcome }) => outcome === 'reused').length;
  if (reused > 0) step(ctx, 'certs', `${count(reused, 'existing certificate')} kept`);
  return outcomeOf(changes);
}
