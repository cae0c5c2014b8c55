import axios from 'axios';
import { request } from 'undici';
import type { BaselineJob } from './baseline-jobs.js';

const DEADLINE_MS = 5_000;

const headers = (token: string) => ({ 'content-type': 'application/json', authorization: `Bearer ${token}` });

/** As most are written. */
export async function postByAxios({ url, token, body }: BaselineJob): Promise<void> {
  await axios.post(url, body, { headers: headers(token), timeout: DEADLINE_MS, maxRedirects: 0 });
}

export async function postByUndici({ url, token, body }: BaselineJob): Promise<void> {
  const answer = await request(url, {
    method: 'POST',
    headers: headers(token),
    body,
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
  await answer.body.dump();
}
