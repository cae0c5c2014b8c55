import type { ComponentChildren } from 'preact';
import { paths } from '../paths.js';
import type { ConsoleSession } from '../session/console-session.js';
import { Button, PostForm } from './form.js';
import { Layout, type Section } from './layout.js';
import { PageHeader } from './page-header.js';

interface QuestionPageProps {
  readonly session: ConsoleSession;
  readonly section: Section;
  readonly question: string;
  /** The subject: words and address. */
  readonly about: readonly [string, string];
  /** What happens after the confirmation. */
  readonly children: ComponentChildren;
  /** The address to which the form is sent, with these fields and `confirmed`. */
  readonly action: string;
  readonly fields?: Readonly<Record<string, string>>;
  readonly yes: string;
  readonly no: string;
}

/** Asks for confirmation before an action that is hard to undo. */
export const QuestionPage = (props: QuestionPageProps) => {
  const { session, section, question, about, children, action, fields = {}, yes, no } = props;
  return (
    <Layout title={question} session={session} section={section}>
      <PageHeader title={question} trail={[['Overview', paths.overview], about]} />
      {children}
      <PostForm action={action} csrf={session.csrf} class="actions">
        {Object.entries(fields).map(([name, value]) => (
          <input key={name} type="hidden" name={name} value={value} />
        ))}
        <Button kind="danger" name="confirmed" value="true">
          {yes}
        </Button>
        <a class="button" href={about[1]}>
          {no}
        </a>
      </PostForm>
    </Layout>
  );
};
