// `-o`: the forms in which a command's answer can be printed, the same family as kubeadm's and kubectl's.
import { escapedJson, printable } from '../../util/invisible.ts';
import { didYouMean } from '../../util/propose.ts';
import { writeYaml } from '../../util/yaml.ts';
import { wrong } from './wrong.ts';
import { readLocalText } from '../../util/local-file.ts';

/** What a command answers: the object for programs, and the text for people. */
export interface Answer {
  readonly object: Readonly<Record<string, unknown>>;
  readonly text: string;
}

/** What commander parses for the printer flags. */
export interface OutputOptions {
  readonly output?: string;
  readonly allowMissingTemplateKeys?: boolean;
}

const formats =
  'text json yaml kyaml go-template go-template-file template templatefile jsonpath jsonpath-as-json jsonpath-file'.split(
    ' ',
  );

/** A way to print; made before the work begins, so that a wrong format is told at once. */
export type Printer = (answer: Answer) => string;

/** @throws KbError KB_OUTPUT */
export async function printerOf(options: OutputOptions): Promise<Printer> {
  const [, name = '', argument] = /^([^=]*)(?:=(.*))?$/s.exec(options.output ?? 'text') ?? [];
  const allowsMissing = options.allowMissingTemplateKeys ?? true;
  switch (name) {
    case 'text':
    case '':
      return ({ text }) => printable(text);
    case 'json':
      return ({ object }) => `${escapedJson(JSON.stringify(object, undefined, 4))}\n`;
    case 'yaml':
      return yamlDocuments();
    case 'kyaml': {
      const { writeKyaml } = await import('./kyaml.ts');
      return ({ object }) => escapedJson(writeKyaml(object));
    }
    case 'template':
    case 'go-template':
      return goTemplate(given(name, argument), allowsMissing);
    case 'templatefile':
    case 'go-template-file':
      return goTemplate(readTemplate(given(name, argument)), allowsMissing);
    case 'jsonpath':
    case 'jsonpath-as-json':
      return jsonpath(given(name, argument), allowsMissing, name === 'jsonpath-as-json');
    case 'jsonpath-file':
      return jsonpath(readTemplate(given(name, argument)), allowsMissing, false);
    default:
      throw wrong(
        `unknown output format ${JSON.stringify(name)}${didYouMean(name, formats)}`,
        `use one of ${formats.join(', ')}`,
      );
  }
}

/** A second answer is a document of its own. */
function yamlDocuments(): Printer {
  let isFirst = true;
  return ({ object }) => {
    const text = isFirst ? writeYaml(object) : `---\n${writeYaml(object)}`;
    isFirst = false;
    return text;
  };
}

async function goTemplate(text: string, allowsMissing: boolean): Promise<Printer> {
  const { parseTemplate } = await import('./go-template.ts');
  const run = parseTemplate(text, allowsMissing);
  return ({ object }) => printable(run(object));
}

async function jsonpath(text: string, allowsMissing: boolean, asJson: boolean): Promise<Printer> {
  const { parseJsonpath } = await import('./jsonpath.ts');
  const run = parseJsonpath(text, allowsMissing);
  return ({ object }) =>
    asJson ? `${escapedJson(JSON.stringify(run.values(object), undefined, 4))}\n` : printable(run.text(object));
}

function given(name: string, argument: string | undefined): string {
  if (argument !== undefined && argument !== '') return argument;
  throw wrong(`-o ${name} has no template`, `write it behind an equals sign: -o ${name}=…`);
}

function readTemplate(path: string): string {
  try {
    return readLocalText(path);
  } catch (error) {
    throw wrong(error instanceof Error ? error.message : String(error), 'name a file that can be read');
  }
}
