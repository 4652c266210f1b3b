/** Owns making Debian packages and flat repositories of them: from programs that are there, signed with a key of the lab's own. */
import { chmod, copyFile, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { stepDir, type Step } from './cache.ts';
import { inRoot } from './in-root.ts';
import type { PackageFile } from './package-file.ts';
import { keyName } from './rpm.ts';

/** A package, by what an administrator or a dependency sees of it. */
export interface DebPackage {
  readonly name: string;
  readonly version: string;
  readonly summary: string;
  readonly depends?: readonly string[];
  readonly files: readonly PackageFile[];
  /** The unit that its scripts tell systemd of, and whether they start it, as packages of Debian's own do. */
  readonly unit?: { readonly name: string; readonly isStarted: boolean };
}

/** Builds packages into `out` and makes it a repository, as pkgs.k8s.io has it: one folder, with a signed Release. */
export async function buildDebRepository(
  packages: readonly DebPackage[],
  out: string,
  { tools, key }: { readonly tools: Step; readonly key: Step },
): Promise<void> {
  for (const one of packages) await writeTree(join(out, '.trees', `${one.name}-${one.version}`), one);
  await inRoot(stepDir(tools), buildScript, { out, key: stepDir(key) });
}

// Not compressed: what lives for minutes on this machine is installed more often than it is kept.
const buildScript = `
cp -r /tmp/key/gnupg /tmp/gnupg; export GNUPGHOME=/tmp/gnupg
cd /tmp/out
for tree in .trees/*; do dpkg-deb --root-owner-group -Znone -b "$tree" . >/dev/null; done
rm -r .trees
sum() { sha256sum "$1" | cut -d ' ' -f 1; }
for file in *.deb; do
  dpkg-deb -f "$file"
  printf 'Filename: ./%s\\nSize: %s\\nSHA256: %s\\n\\n' "$file" "$(stat -c %s "$file")" "$(sum "$file")"
done >Packages
printf 'Origin: kbinit lab\\nDate: %s\\nArchitectures: amd64\\nSHA256:\\n %s %s Packages\\n' \\
  "$(date -u -R)" "$(sum Packages)" "$(stat -c %s Packages)" >Release
gpg --batch --yes --local-user ${keyName} --armor --detach-sign --output Release.gpg Release
gpg --batch --yes --local-user ${keyName} --clearsign --output InRelease Release
cp /tmp/key/public.asc Release.key
`;

async function writeTree(tree: string, one: DebPackage): Promise<void> {
  const control = join(tree, 'DEBIAN');
  await mkdir(control, { recursive: true });
  await writeFile(join(control, 'control'), controlOf(one));
  const conffiles = one.files.filter(({ isConfig }) => isConfig).map(({ path }) => `${path}\n`);
  await writeFile(join(control, 'conffiles'), conffiles.join(''));
  for (const [name, text] of Object.entries(scriptsOf(one.unit))) {
    await writeFile(join(control, name), `#!/bin/sh\nset -e\n${text}\n`, { mode: 0o755 });
  }
  for (const { path, mode, content } of one.files) {
    const target = join(tree, path);
    await mkdir(dirname(target), { recursive: true });
    if ('text' in content) await writeFile(target, content.text);
    else await copyFile(join(stepDir(content.step), content.file), target);
    await chmod(target, mode);
  }
}

function controlOf({ name, version, summary, depends = [] }: DebPackage): string {
  return [
    `Package: ${name}`,
    `Version: ${version}`,
    'Architecture: amd64',
    'Maintainer: kbinit lab <lab@kbinit.invalid>',
    ...(depends.length === 0 ? [] : [`Depends: ${depends.join(', ')}`]),
    `Description: ${summary}`,
    ' An imitation for the hosts of the kbinit lab.',
    '',
  ].join('\n');
}

/** What debhelper's scripts come to. */
function scriptsOf(unit: DebPackage['unit']): Readonly<Record<string, string>> {
  if (unit === undefined) return {};
  const start = unit.isStarted ? `; systemctl -q enable --now ${unit.name}` : '';
  return {
    postinst: `[ "$1" != configure ] || { systemctl daemon-reload${start}; } || :`,
    prerm: `[ "$1" != remove ] || systemctl -q --no-reload disable --now ${unit.name} || :`,
    postrm: 'systemctl daemon-reload || :',
  };
}
