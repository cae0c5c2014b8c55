/** What the receiver does with a request: a status, or nothing at all. */
export type Answer = number | 'hang';

export interface Scenario {
  readonly title: string;
  /** The endpoint on the receiver; a service of its own, because a service has one callback API per type. */
  readonly path: string;
  /** What each attempt is answered, in order: also how many attempts there must be. */
  readonly answers: readonly [Answer, ...Answer[]];
  readonly notificationType: 'email' | 'sms';
  readonly recipient: string;
  /** What the provider's receipt says. */
  readonly status: 'delivered' | 'permanent-failure' | 'temporary-failure';
  readonly endsWith: 'callback.delivered' | 'callback.not_retried' | 'callback.retries_exhausted';
}

/** The demo's settings of the service: real ones but for their size, so that it is over in seconds. */
export const DELIVERY = {
  timeoutMs: 1_000,
  maxRetries: 2,
  retryDelayMs: 500,
  retryMaxDelayMs: 2_000,
} as const;

/** Recipients that exist nowhere: RFC 2606 §3, and the numbers Ofcom keeps for drama. */
export const scenarios: readonly Scenario[] = [
  {
    title: 'an email is delivered',
    path: '/email',
    answers: [200],
    notificationType: 'email',
    recipient: 'someone@example.com',
    status: 'delivered',
    endsWith: 'callback.delivered',
  },
  {
    title: 'a text message cannot be delivered',
    path: '/sms',
    answers: [204],
    notificationType: 'sms',
    recipient: '+447700900123',
    status: 'permanent-failure',
    endsWith: 'callback.delivered',
  },
  {
    title: 'an endpoint answers 503 twice, then recovers',
    path: '/recovers',
    answers: [503, 503, 200],
    notificationType: 'email',
    recipient: 'patient@example.com',
    status: 'temporary-failure',
    endsWith: 'callback.delivered',
  },
  {
    title: 'an endpoint answers 404',
    path: '/missing',
    answers: [404],
    notificationType: 'email',
    recipient: 'lost@example.com',
    status: 'delivered',
    endsWith: 'callback.not_retried',
  },
  {
    title: 'an endpoint accepts connections and never answers',
    path: '/hangs',
    answers: ['hang', 'hang', 'hang'],
    notificationType: 'sms',
    recipient: '+447700900456',
    status: 'delivered',
    endsWith: 'callback.retries_exhausted',
  },
];
