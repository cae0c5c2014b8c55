import { styleText } from 'node:util';

/** `styleText` leaves colour out where standard output is no terminal, and with `NO_COLOR`. */
const style = {
  bold: (text: string) => styleText('bold', text),
  dim: (text: string) => styleText('dim', text),
  red: (text: string) => styleText('red', text),
  green: (text: string) => styleText('green', text),
};

/** Who says it: the demo's own calls, the receiver's process, the service's log. */
type Speaker = 'api' | 'receiver' | 'log';

const MARGIN = 2;
const SPEAKER_WIDTH = 10;

export function heading(text: string): void {
  console.log(`\n${style.bold(text)}`);
}

export function say(text: string): void {
  console.log(text);
}

/** The first line with the speaker's name in front; the others below it, dimmed. */
export function report(speaker: Speaker, first: string, ...others: readonly string[]): void {
  const margin = ' '.repeat(MARGIN);
  const indent = margin + ' '.repeat(SPEAKER_WIDTH);
  console.log(margin + style.dim(speaker.padEnd(SPEAKER_WIDTH)) + first);
  for (const line of others.flatMap((text) => text.split('\n')))
    console.log(line && indent + style.dim(line));
}

export function good(text: string): void {
  console.log(style.green(text));
}

/** On standard output too: the summary is read as one text. */
export function bad(text: string): void {
  console.log(style.red(text));
}
