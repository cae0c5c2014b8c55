/** The status code of a response; `hang`: no response. */
export type PlannedResponse = number | 'hang';

export interface Scenario {
  readonly title: string;
  /** The path of its endpoint on the receiver. Each scenario has a service of its own, because a service has one endpoint for each type. */
  readonly path: string;
  /** The response to each attempt, in order; their number is the number of attempts. */
  readonly responses: readonly [PlannedResponse, ...PlannedResponse[]];
  readonly notificationType: 'email' | 'sms';
  readonly recipient: string;
  /** The status in the provider's receipt. */
  readonly status: 'delivered' | 'permanent-failure' | 'temporary-failure';
  readonly endsWith: 'callback.delivered' | 'callback.not_retried' | 'callback.retries_exhausted';
}

/** The demo's settings of the service: shorter than in production, so that it ends in seconds. */
export const DELIVERY = {
  timeoutMs: 1_000,
  maxRetries: 2,
  retryDelayMs: 500,
  retryMaxDelayMs: 2_000,
} as const;

/** Recipients that do not exist: RFC 2606 §3, and numbers that Ofcom reserves for fiction. */
export const scenarios: readonly Scenario[] = [
  {
    title: 'an email is delivered',
    path: '/email',
    responses: [200],
    notificationType: 'email',
    recipient: 'someone@example.com',
    status: 'delivered',
    endsWith: 'callback.delivered',
  },
  {
    title: 'a text message cannot be delivered',
    path: '/sms',
    responses: [204],
    notificationType: 'sms',
    recipient: '+447700900123',
    status: 'permanent-failure',
    endsWith: 'callback.delivered',
  },
  {
    title: 'an endpoint responds with 503 twice, then recovers',
    path: '/recovers',
    responses: [503, 503, 200],
    notificationType: 'email',
    recipient: 'patient@example.com',
    status: 'temporary-failure',
    endsWith: 'callback.delivered',
  },
  {
    title: 'an endpoint responds with 404',
    path: '/missing',
    responses: [404],
    notificationType: 'email',
    recipient: 'lost@example.com',
    status: 'delivered',
    endsWith: 'callback.not_retried',
  },
  {
    title: 'an endpoint accepts connections and never responds',
    path: '/hangs',
    responses: ['hang', 'hang', 'hang'],
    notificationType: 'sms',
    recipient: '+447700900456',
    status: 'delivered',
    endsWith: 'callback.retries_exhausted',
  },
];
