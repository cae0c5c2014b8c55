import { Copy } from '../page/copy.js';
import { Notice } from '../page/notice.js';
import { When } from '../page/when.js';
import { counted } from '../words/counts.js';

/** The result of an action, from the address of the redirect after it. */
export const DONE = ['disabled', 'enabled'] as const;
export type Done = (typeof DONE)[number];

interface DoneNoticeProps {
  readonly done: Done | undefined;
  readonly isDisabled: boolean;
  readonly replayable: number;
}

/** People keep and share addresses: a notice that is no longer true is not shown. */
export const DoneNotice = ({ done, isDisabled, replayable }: DoneNoticeProps) => {
  if (done === undefined || isDisabled !== (done === 'disabled')) return null;
  switch (done) {
    case 'disabled':
      return (
        <Notice tone="idle" title="The endpoint is disabled">
          <p>
            Nothing is sent to it from now on. Callbacks are kept, and can be replayed once it is enabled.
          </p>
        </Notice>
      );
    case 'enabled':
      return (
        <Notice tone="good" title="The endpoint is enabled">
          <p>
            Callbacks are sent again.
            {replayable > 0 && ` ${counted(replayable, 'given-up callback')} can be replayed.`}
          </p>
        </Notice>
      );
  }
};

interface SecretNoticeProps {
  readonly secret: string;
  /** The time until which the previous secret also works. */
  readonly until: Date | null;
  readonly now: Date;
}

export const SecretNotice = ({ secret, until, now }: SecretNoticeProps) => (
  <Notice tone="warn" title="The new signing secret, shown only this once">
    <div class="secret">
      <code tabIndex={0} role="region" aria-label="Signing secret">
        {secret}
      </code>
      <Copy text={secret} what="signing secret" isLarge />
    </div>
    <p>
      Give it to the receiver now.
      {until !== null && (
        <>
          {' '}
          The previous secret also works until <When at={until} now={now} />.
        </>
      )}
    </p>
  </Notice>
);
