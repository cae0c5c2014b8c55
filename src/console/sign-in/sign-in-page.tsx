import { assets } from '../assets/console-assets.js';
import { Button, PostForm } from '../page/form.js';
import { Document } from '../page/layout.js';
import { Notice } from '../page/notice.js';
import { paths } from '../paths.js';

export interface SignInView {
  readonly csrf: string;
  /** The address after signing in. */
  readonly to: string;
  readonly problem: string | undefined;
  /** This server needs no token. */
  readonly isOpen: boolean;
  /** The browser will not return the cookie: the page came neither over https nor from this machine. */
  readonly needsHttps: boolean;
}

export const SignInPage = ({ csrf, to, problem, isOpen, needsHttps }: SignInView) => (
  <Document title={problem === undefined ? 'Sign in' : 'Problem: Sign in'}>
    <main class="alone" id="main">
      <p class="brand">
        <img src={assets.icon.path} width="24" height="24" alt="" />
        Service Callbacks
      </p>
      <h1>Sign in</h1>
      {needsHttps && (
        <Notice tone="warn" title="Open this page over https">
          <p>A session is kept in a cookie that a browser sends over https alone.</p>
        </Notice>
      )}
      {problem !== undefined && <Notice tone="bad" title={problem} id="problem" />}
      <PostForm action={paths.signIn} csrf={csrf} class="stack">
        <input type="hidden" name="to" value={to} />
        <label class="field">
          <span>API token</span>
          <input
            type="password"
            name="token"
            autocomplete="current-password"
            autofocus
            required={!isOpen}
            aria-invalid={problem === undefined ? undefined : 'true'}
            aria-describedby={problem === undefined ? 'token-hint' : 'problem token-hint'}
          />
          <span class="hint" id="token-hint">
            {isOpen
              ? 'This server runs on your machine without API tokens: leave the field empty to see everything.'
              : 'A token for one service shows that service alone. Operators make tokens.'}
          </span>
        </label>
        <Button kind="primary">Sign in</Button>
      </PostForm>
    </main>
  </Document>
);
