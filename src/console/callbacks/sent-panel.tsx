import type { LoggedCallbackWithAttempts } from '../../service-callbacks/history/records.js';
import type { CallbackApi } from '../../service-callbacks/endpoints/callback-api.repository.js';
import type { CallbackBody } from '../../service-callbacks/reporting/callback-body.reader.js';
import { Copy } from '../page/copy.js';
import { paths, withQuery } from '../paths.js';
import { asCurl } from './as-curl.js';
import { HeaderList } from './header-list.js';
import { sentHeaders } from './sent-headers.js';

interface SentPanelProps {
  readonly serviceId: string;
  readonly callback: LoggedCallbackWithAttempts;
  /** Null if it is deleted. */
  readonly api: CallbackApi | null;
  readonly body: CallbackBody;
  /** The token may see personal data in the body. */
  readonly maySeePersonal: boolean;
}

/** What is sent to the endpoint, and the same as a command. */
export const SentPanel = (view: SentPanelProps) => {
  const { callback, api, body } = view;
  const url = callback.url ?? api?.url;
  const at = callback.attempts.at(-1)?.at ?? callback.queuedAt;
  const headers = sentHeaders(callback.id, at);
  return (
    <section class="panel sent" aria-labelledby="sent">
      <h2 id="sent">What is sent</h2>
      {url !== undefined && (
        <p>
          POST <span class="url">{url}</span>
        </p>
      )}
      <HeaderList headers={headers} label="Headers that are sent" />
      <Body {...view} />
      {url !== undefined && (
        <Command
          command={asCurl({ url, headers, body: body.kind === 'kept' ? body.text : undefined })}
          body={body}
        />
      )}
    </section>
  );
};

const Command = ({ command, body }: Pick<SentPanelProps, 'body'> & { readonly command: string }) => (
  <details>
    <summary>As a command</summary>
    <pre class="code" tabIndex={0} role="region" aria-label="As a command">
      <code>{command}</code>
    </pre>
    <p class="quiet">
      <Copy text={command} what="command" isLarge /> Put the token into CALLBACK_TOKEN and the signing secret
      into CALLBACK_SECRET first
      {body.kind !== 'kept' && ', and the body into body.json'}.
      {body.kind === 'kept' && body.maskedFields.length > 0 && ' The masked fields are sent as you see them.'}
    </p>
  </details>
);

type BodyProps = Omit<SentPanelProps, 'api'>;

const Body = ({ callback, body, serviceId, maySeePersonal }: BodyProps) => {
  if (body.kind === 'not_kept') return <p class="quiet">The body is not kept any more.</p>;
  if (body.kind === 'unreadable')
    return <p class="quiet">The body cannot be decrypted: this process lacks its key, or it was altered.</p>;
  const own = paths.callback(serviceId, callback.id);
  return (
    <>
      <pre class="code" tabIndex={0} role="region" aria-label="Body that is sent">
        <code>{indented(body.text)}</code>
      </pre>
      {body.maskedFields.length > 0 && (
        <p class="quiet">
          Masked: {body.maskedFields.join(', ')}.{' '}
          {maySeePersonal ? (
            <a href={`${withQuery(own, { personal: 'shown' })}#sent`}>Show personal fields</a>
          ) : (
            'To see them a token needs callbacks:write and dead-letters:replay.'
          )}
        </p>
      )}
      {body.maskedFields.length === 0 && body.personalFields.length > 0 && (
        <p class="quiet">
          Shown: {body.personalFields.join(', ')}. <a href={`${own}#sent`}>Mask them</a>
        </p>
      )}
    </>
  );
};

/** Sent on one line, shown on many. */
function indented(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    return json;
  }
}
