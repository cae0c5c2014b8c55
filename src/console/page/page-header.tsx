import type { ComponentChildren } from 'preact';

interface PageHeaderProps {
  readonly title: string;
  /** The pages above it: words and address, outermost first. */
  readonly trail?: readonly (readonly [string, string])[];
  /** Under the title. */
  readonly children?: ComponentChildren;
  readonly aside?: ComponentChildren;
}

export const PageHeader = ({ title, trail = [], children, aside }: PageHeaderProps) => (
  <div class="page-header">
    <div>
      {trail.length > 0 && (
        <nav aria-label="You are here" class="trail">
          <ol>
            {trail.map(([words, href]) => (
              <li key={href}>
                <a href={href} title={words}>
                  {words}
                </a>
              </li>
            ))}
          </ol>
        </nav>
      )}
      <h1 title={title}>{title}</h1>
      {children}
    </div>
    {aside}
  </div>
);
