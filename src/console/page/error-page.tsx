import { paths } from '../paths.js';
import { Document } from './layout.js';

interface ErrorPageProps {
  readonly title: string;
  /** What happened, and what to do. */
  readonly words: string;
}

/** Knows no session: it stands also where none could be read. */
export const ErrorPage = ({ title, words }: ErrorPageProps) => (
  <Document title={title}>
    <main class="alone" id="main">
      <div id="problem">
        <h1>{title}</h1>
        <p>{words}</p>
      </div>
      <p>
        <a class="button" href={paths.overview}>
          To the overview
        </a>
      </p>
    </main>
  </Document>
);

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
