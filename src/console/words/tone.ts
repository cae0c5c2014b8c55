/** The state of a thing, for colours and shapes. */
export type Tone = 'good' | 'warn' | 'bad' | 'idle' | 'plain';
