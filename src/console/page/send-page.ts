import type { Response } from 'express';
import type { VNode } from 'preact';
import { renderToString } from 'preact-render-to-string';
import { setPageHeaders } from '../console-headers.js';

/** Sends a whole page, with the headers of every page. */
export function sendPage(response: Response, page: VNode, status = 200): void {
  setPageHeaders(response);
  response.status(status).send(`<!DOCTYPE html>${renderToString(page)}`);
}
