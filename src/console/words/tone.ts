/** How something stands, for colours and shapes. */
export type Tone = 'good' | 'warn' | 'bad' | 'idle' | 'plain';
