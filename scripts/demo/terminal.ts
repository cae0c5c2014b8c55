import { styleText } from 'node:util';

/** `styleText` leaves colour out if standard output is no terminal, and with `NO_COLOR`. */
const style = {
  bold: (text: string) => styleText('bold', text),
  dim: (text: string) => styleText('dim', text),
  red: (text: string) => styleText('red', text),
  green: (text: string) => styleText('green', text),
};

/** The source of a text: the demo's own calls, the receiver's process, or the service's log. */
type Speaker = 'api' | 'receiver' | 'log';

const MARGIN = 2;
const SPEAKER_WIDTH = 10;

export function heading(text: string): void {
  console.log(`\n${style.bold(text)}`);
}

export function say(text: string): void {
  console.log(text);
}

/** The first line begins with the source; the other lines follow below it, dimmed. */
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

/** Also on standard output, so that the summary is one text. */
export function bad(text: string): void {
  console.log(style.red(text));
}
