import { DelayedError } from 'bullmq';

/** A first job that has ended already, with the addition of the one that takes its place: its worker has no more to say. */
export class HandedOverError extends DelayedError {}
