import { paths } from '../paths.js';
import type { ConsoleSession } from '../session/console-session.js';
import { Document, Layout } from './layout.js';

interface ErrorPageProps {
  readonly title: string;
  /** What happened, and what to do. */
  readonly words: string;
  /** Undefined if there is no session. */
  readonly session: ConsoleSession | undefined;
}

export const ErrorPage = ({ title, words, session }: ErrorPageProps) => {
  const problem = (
    <div id="problem">
      <h1>{title}</h1>
      <p>{words}</p>
    </div>
  );
  const overview = (
    <p>
      <a class="button" href={paths.overview}>
        To the overview
      </a>
    </p>
  );
  if (session === undefined) {
    return (
      <Document title={title}>
        <main class="alone" id="main">
          {problem}
          {overview}
        </main>
      </Document>
    );
  }
  return (
    <Layout title={title} session={session}>
      {problem}
      {overview}
    </Layout>
  );
};

/** Loads the same address once more, this time from our own site. */
export const ReloadPage = ({ wanted }: { readonly wanted: string }) => (
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <title>Opening · Service Callbacks</title>
      <meta http-equiv="refresh" content={`0; url=${wanted}`} />
    </head>
    <body>
      <p>
        <a href={wanted}>Open the page</a>
      </p>
    </body>
  </html>
);
