// UpgradeConfiguration of v1beta4: its schema and the way to the hub. No other kind shares its four parts.
import * as z from 'zod';
import { defaultTimeouts, defaults } from '../defaults.ts';
import type { UpgradeSpec } from '../draft.ts';
import type { ImagePullPolicy, Timeouts } from '../spec.ts';
import { flag, imagePullPolicy, int32, orAbsent, patches, text, texts, timeouts } from './fields.ts';

interface CommonPart {
  readonly dryRun?: boolean;
  readonly etcdUpgrade?: boolean;
  readonly ignorePreflightErrors?: string[];
}

interface NodePart extends CommonPart {
  readonly certificateRenewal?: boolean;
  readonly imagePullPolicy?: ImagePullPolicy | '';
  readonly imagePullSerial?: boolean;
  readonly patches?: { readonly directory?: string };
  readonly skipPhases?: string[];
}

interface PlanPart extends CommonPart {
  readonly allowExperimentalUpgrades?: boolean;
  readonly allowRCUpgrades?: boolean;
  readonly kubernetesVersion?: string;
  readonly printConfig?: boolean;
}

interface UpgradeDocument {
  readonly apply?: NodePart & PlanPart & { readonly forceUpgrade?: boolean };
  readonly diff?: { readonly contextLines?: number; readonly kubernetesVersion?: string };
  readonly node?: NodePart;
  readonly plan?: PlanPart;
  readonly timeouts?: Timeouts;
}

const common = { dryRun: flag, etcdUpgrade: flag, ignorePreflightErrors: texts };

const images = {
  certificateRenewal: flag,
  imagePullPolicy,
  imagePullSerial: flag,
  patches: patches.exactOptional(),
  skipPhases: texts,
};

const choice = {
  allowExperimentalUpgrades: flag,
  allowRCUpgrades: flag,
  kubernetesVersion: text,
  printConfig: flag,
};

/** kubeadm.k8s.io/v1beta4 UpgradeConfiguration. */
export const upgradeConfiguration: z.ZodType<UpgradeDocument> = z.strictObject({
  apiVersion: z.string(),
  kind: z.string(),
  apply: z.strictObject({ ...common, ...images, ...choice, forceUpgrade: flag }).exactOptional(),
  diff: z.strictObject({ contextLines: int32.exactOptional(), kubernetesVersion: text }).exactOptional(),
  node: z.strictObject({ ...common, ...images }).exactOptional(),
  plan: z.strictObject({ ...common, ...choice }).exactOptional(),
  timeouts: timeouts.exactOptional(),
});

function nodeOf(part: NodePart): UpgradeSpec['node'] {
  // Without a folder `patches` means nothing, and is refused (kubeadm ValidateUpgradeConfiguration).
  const directory = part.patches && (part.patches.directory ?? '');
  return {
    ignorePreflightErrors: part.ignorePreflightErrors ?? [],
    etcdUpgrade: part.etcdUpgrade ?? true,
    isDryRun: part.dryRun,
    certificateRenewal: part.certificateRenewal ?? true,
    ...(directory !== undefined && { patchesDirectory: directory }),
    skipPhases: part.skipPhases ?? [],
    imagePullPolicy: part.imagePullPolicy || defaults.imagePullPolicy,
    imagePullSerial: part.imagePullSerial ?? true,
  };
}

function planOf(part: PlanPart): UpgradeSpec['plan'] {
  return {
    ignorePreflightErrors: part.ignorePreflightErrors ?? [],
    etcdUpgrade: part.etcdUpgrade ?? true,
    isDryRun: part.dryRun,
    kubernetesVersion: orAbsent(part.kubernetesVersion),
    allowExperimentalUpgrades: part.allowExperimentalUpgrades,
    allowRCUpgrades: part.allowRCUpgrades,
    printConfig: part.printConfig,
  };
}

/** UpgradeConfiguration. */
export function upgradeParts({
  apply = {},
  diff = {},
  node = {},
  plan = {},
  timeouts: given,
}: UpgradeDocument): UpgradeSpec {
  return {
    apply: { ...nodeOf(apply), ...planOf(apply), forceUpgrade: apply.forceUpgrade },
    diff: { kubernetesVersion: orAbsent(diff.kubernetesVersion), contextLines: diff.contextLines ?? 0 },
    node: nodeOf(node),
    plan: planOf(plan),
    timeouts: given ?? defaultTimeouts,
  };
}
