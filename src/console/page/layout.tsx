import type { ComponentChildren } from 'preact';
import { assets } from '../assets/console-assets.js';
import { paths } from '../paths.js';
import type { ConsoleSession } from '../session/console-session.js';
import { shortId } from '../words/ids.js';
import { Button, PostForm } from './form.js';
import { version } from '../../version.js';

export type Section = 'overview' | 'callbacks' | 'given-up';

const SECTIONS: readonly (readonly [Section, string, string])[] = [
  ['overview', 'Overview', paths.overview],
  ['callbacks', 'Callbacks', paths.callbacks],
  ['given-up', 'Given up', paths.givenUp],
];

/**
 * htmx evaluates nothing, writes no styles, and shows no error response unless the page says how. What a person has
 * opened stays open.
 */
const HTMX = JSON.stringify({
  includeIndicatorCSS: false,
  noSwap: [204, 304, '4xx', '5xx'],
  morphIgnore: ['data-htmx-powered', 'open'],
  history: false,
});

interface DocumentProps {
  readonly title: string;
  /** Loads the page again after so many seconds where there is no JavaScript. */
  readonly reloadSeconds?: number | undefined;
  readonly children: ComponentChildren;
}

/** The frame of every page, signed in or not. */
export const Document = ({ title, reloadSeconds, children }: DocumentProps) => (
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <title>{`${title} · Service Callbacks`}</title>
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <meta name="robots" content="noindex" />
      <meta name="htmx-config" content={HTMX} />
      <link rel="icon" href={assets.icon.path} type="image/svg+xml" />
      <link rel="stylesheet" href={assets.css.path} />
      {reloadSeconds !== undefined && (
        <noscript>
          <meta http-equiv="refresh" content={String(reloadSeconds)} />
        </noscript>
      )}
      <script src={assets.htmx.path} defer />
      <script src={assets.js.path} defer />
    </head>
    <body>{children}</body>
  </html>
);

interface LayoutProps extends DocumentProps {
  readonly session: ConsoleSession;
  readonly section?: Section | undefined;
  /** The search text, on the page of its results. */
  readonly search?: string | undefined;
}

/** A page for a signed-in person. */
export const Layout = ({ session, section, search, children, ...document }: LayoutProps) => (
  <Document {...document}>
    <a class="skip" href="#main">
      Skip to content
    </a>
    <header class="top">
      <div class="top-inner">
        <a class="brand" href={paths.overview}>
          <img src={assets.icon.path} width="24" height="24" alt="" />
          Service Callbacks
        </a>
        <nav aria-label="Console">
          <ul>
            {SECTIONS.map(([id, words, href]) => (
              <li key={id}>
                <a href={href} aria-current={id === section ? 'page' : undefined}>
                  {words}
                </a>
              </li>
            ))}
          </ul>
        </nav>
        <form method="get" action={paths.search} class="search" role="search">
          <input
            type="search"
            name="q"
            value={search ?? ''}
            aria-label="Search by id, notification or reference"
            placeholder="Id, notification or reference"
            maxLength={255}
            autocomplete="off"
            spellcheck={false}
            required
          />
          <Button>Search</Button>
        </form>
        <div class="who">
          <WhoAmI session={session} />
          <PostForm action={paths.signOut} csrf={session.csrf}>
            <Button>Sign out</Button>
          </PostForm>
        </div>
      </div>
    </header>
    <main id="main" tabIndex={-1}>
      {children}
    </main>
    <footer>
      <span>
        Signed in: <WhoAmI session={session} />. All times are UTC.
      </span>
      <span>
        Service Callbacks {version}
        <FooterLink href={session.links.docs}>API documents</FooterLink>
        <FooterLink href={session.links.runbook}>Runbook</FooterLink>
      </span>
    </footer>
  </Document>
);

const FooterLink = ({ href, children }: { readonly href: string | undefined; readonly children: string }) =>
  href === undefined ? null : (
    <>
      {' · '}
      <a href={href}>{children}</a>
    </>
  );

const WhoAmI = ({ session: { caller } }: { readonly session: ConsoleSession }) =>
  caller.serviceId === undefined ? (
    <span>Operator</span>
  ) : (
    <span title={caller.serviceId}>
      Service <code>{shortId(caller.serviceId)}</code>
    </span>
  );
