import { CSRF_FIELD } from '../../src/console/session/same-origin.js';

const CSRF = /name="csrf" value="([^"]+)"/;

interface PostOptions {
  /** Default: that of the overview's own form. */
  readonly csrf?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A browser without a screen: it keeps cookies and sends forms. */
export class ConsoleClient {
  private readonly cookies = new Map<string, string>();

  constructor(private readonly url: string) {}

  setCookie(name: string, value: string): void {
    this.cookies.set(name, value);
  }

  get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    return this.send(path, { headers });
  }

  async post(
    path: string,
    fields: ConstructorParameters<typeof URLSearchParams>[0],
    { csrf, headers = {} }: PostOptions = {},
  ): Promise<Response> {
    const body = new URLSearchParams(fields);
    body.set(CSRF_FIELD, csrf ?? (await this.csrf()));
    return this.send(path, { method: 'POST', headers, body });
  }

  async signIn(
    token: string,
    to = '/console',
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Response> {
    const csrf = CSRF.exec(await (await this.get('/console/sign-in')).text())?.[1] ?? '';
    return this.post('/console/sign-in', { token, to }, { csrf, headers });
  }

  /** The synchroniser token of any page. */
  async csrf(): Promise<string> {
    return CSRF.exec(await (await this.get('/console/dead-letters')).text())?.[1] ?? '';
  }

  private async send(path: string, init: RequestInit): Promise<Response> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { ...(init.headers as Record<string, string>), ...(cookie !== '' && { cookie }) };
    const response = await fetch(this.url + path, { ...init, headers, redirect: 'manual' });
    for (const line of response.headers.getSetCookie()) this.keep(line);
    return response;
  }

  private keep(line: string): void {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
    if (value === '') this.cookies.delete(name);
    else this.cookies.set(name, value);
  }
}
