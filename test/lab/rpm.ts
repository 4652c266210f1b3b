/** Owns making RPM packages and repositories: from programs that are there, signed with a key of the lab's own. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stepDir, type Step } from './cache.ts';
import { inRoot } from './in-root.ts';
import { stepsOfFiles, type PackageFile } from './package-file.ts';

/** A package, by what an administrator or a dependency sees of it. */
export interface RpmPackage {
  readonly name: string;
  readonly version: string;
  readonly release: string;
  readonly summary: string;
  readonly epoch?: number;
  readonly requires?: readonly string[];
  readonly recommends?: readonly string[];
  readonly provides?: readonly string[];
  readonly conflicts?: readonly string[];
  readonly folders?: readonly string[];
  readonly files?: readonly PackageFile[];
  /** The unit that its scripts tell systemd of. */
  readonly unit?: string;
}

/** Builds packages into `out`, signs them, and makes it a repository; `tools` has rpmbuild, gpg and createrepo_c. */
export async function buildRepository(
  packages: readonly RpmPackage[],
  out: string,
  { tools, key }: { readonly tools: Step; readonly key: Step },
): Promise<void> {
  const specs = join(out, '.specs');
  await mkdir(specs, { recursive: true });
  const steps = stepsOfFiles(packages.flatMap(({ files = [] }) => files));
  for (const [i, one] of packages.entries()) {
    await writeFile(
      join(specs, `${i}.spec`),
      specOf(one, (step) => `/tmp/step-${steps.indexOf(step)}`),
    );
  }
  const folders = Object.fromEntries(steps.map((step, i) => [`step-${i}`, stepDir(step)]));
  await inRoot(stepDir(tools), buildScript, { ...folders, out, key: stepDir(key) });
}

/** Whose key it is, to gpg. */
export const keyName = 'kbinit-lab';

const buildScript = `
cp -r /tmp/key/gnupg /tmp/gnupg; export GNUPGHOME=/tmp/gnupg
cd /tmp/out
for spec in .specs/*.spec; do
  rpmbuild -bb --quiet --target x86_64 --define '_topdir /tmp/build' --define '_rpmdir /tmp/out' \\
    --define '_rpmfilename %{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}.rpm' "$spec" >/tmp/log 2>&1 || { cat /tmp/log >&2; exit 1; }
  rm -rf /tmp/build
done
rm -r .specs
rpmsign --define '__gpg /usr/bin/gpg' --define '_gpg_name ${keyName}' --addsign *.rpm >/dev/null
createrepo_c --quiet --no-database .
gpg --batch --yes --local-user ${keyName} --armor --detach-sign repodata/repomd.xml
cp /tmp/key/public.asc repodata/repomd.xml.key
`;

/** Makes a signing key for packages of that origin; nothing but packages for lab hosts is ever signed with it. */
export function signingKeyStep(tools: Step, origin: string): Step {
  const script = `
export GNUPGHOME=/tmp/gnupg; mkdir -m 700 $GNUPGHOME
gpg --batch --quiet --passphrase '' --quick-generate-key '${keyName} ${origin} <lab@kbinit.invalid>' rsa3072 sign never
gpg --batch --armor --export ${keyName} >/tmp/out/public.asc
gpgconf --kill all; rm -f $GNUPGHOME/S.*
cp -r $GNUPGHOME /tmp/out/gnupg`;
  return {
    name: `rpm-key-${origin}`,
    inputs: [script],
    needs: [tools],
    lane: 'disk',
    build: async (dir) => {
      await inRoot(stepDir(tools), script, { out: dir });
    },
  };
}

/** The spec file of a package whose files lie ready. */
function specOf(one: RpmPackage, folderOf: (step: Step) => string): string {
  const { files = [], folders = [] } = one;
  const tags = (tag: string, values: readonly string[] = []): string[] => values.map((value) => `${tag}: ${value}`);
  const install = files.map(({ path, mode, content }) => {
    const target = `-D -m ${mode.toString(8)} /dev/stdin %{buildroot}${path}`;
    // A text is quoted as a here document; a percent sign is rpm's own character.
    if ('text' in content) return `install ${target} <<'END_OF_FILE'\n${content.text.replaceAll('%', '%%')}END_OF_FILE`;
    return `install ${target} <${folderOf(content.step)}/${content.file}`;
  });
  return [
    '%define __os_install_post %{nil}',
    '%define debug_package %{nil}',
    // Not compressed: what lives for minutes on this machine is installed more often than it is kept.
    '%define _binary_payload w.ufdio',
    '%define _build_id_links none',
    `Name: ${one.name}`,
    ...(one.epoch === undefined ? [] : [`Epoch: ${one.epoch}`]),
    `Version: ${one.version}`,
    `Release: ${one.release}`,
    `Summary: ${one.summary}`,
    'License: Apache-2.0',
    'Vendor: kbinit lab',
    'AutoReqProv: no',
    ...tags('Requires', one.requires),
    ...tags('Recommends', one.recommends),
    ...tags('Provides', one.provides),
    ...tags('Conflicts', one.conflicts),
    '%description',
    'An imitation for the hosts of the kbinit lab.',
    '%install',
    ...folders.map((path) => `mkdir -p %{buildroot}${path}`),
    ...install,
    ...scriptlets(one.unit),
    '%files',
    ...folders.map((path) => `%dir ${path}`),
    ...files.map(({ path, isConfig }) => `${isConfig ? '%config(noreplace) ' : ''}${path}`),
    '',
  ].join('\n');
}

/** What %systemd_post and its like come to: the preset decides whether it is enabled, a removal stops it. */
function scriptlets(unit: string | undefined): string[] {
  if (unit === undefined) return [];
  return [
    '%post',
    `systemctl daemon-reload || :\n[ $1 -ne 1 ] || systemctl -q preset ${unit} || :`,
    '%preun',
    `[ $1 -ne 0 ] || systemctl -q --no-reload disable --now ${unit} || :`,
    '%postun',
    'systemctl daemon-reload || :',
  ];
}
