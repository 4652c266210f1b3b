// What `kbinit version -o …` prints.
import { didYouMean } from '../../util/propose.ts';
import { wrong } from '../output/wrong.ts';
import { clientVersion, versionLine } from './version-line.ts';

/** `version [-o short|json|yaml]`. @throws KbError KB_OUTPUT */
export async function versionText(output: string | undefined): Promise<string> {
  switch (output ?? '') {
    case '':
      return versionLine();
    case 'short':
      return `${clientVersion()['gitVersion']}\n`;
    case 'json':
      return `${JSON.stringify({ clientVersion: clientVersion() }, undefined, 2)}\n`;
    case 'yaml': {
      const { writeYaml } = await import('../../util/yaml.ts');
      return writeYaml({ clientVersion: clientVersion() });
    }
    default:
      throw wrong(
        `unknown output format ${JSON.stringify(output)}${didYouMean(output ?? '', ['short', 'json', 'yaml'])}`,
        'use -o short, -o json or -o yaml',
      );
  }
}
