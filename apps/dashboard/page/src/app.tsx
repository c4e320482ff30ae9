/** The frame of all views. They are documents of their own: the inspector's may send nothing anywhere. */
import type { ComponentChildren, JSX } from 'preact';
import { InspectView } from './inspect/inspect-view.tsx';
import { LiveView } from './live/live-view.tsx';
import { PlanView } from './plan/plan-view.tsx';

interface View {
  readonly path: string;
  readonly title: string;
  readonly content: () => JSX.Element;
}

const VIEWS: readonly View[] = [
  { path: '/', title: 'Live', content: () => <LiveView /> },
  { path: '/plan', title: 'Plan', content: () => <PlanView /> },
  { path: '/inspect', title: 'Inspect', content: () => <InspectView /> },
];

/** The whole page. */
export function App({ path }: { readonly path: string }): JSX.Element {
  const current = VIEWS.find((view) => view.path === path) ?? VIEWS[0]!;
  document.title = `${current.title} · Watchword`;
  return (
    <>
      <a class="skip" href="#content">
        Skip to the figures
      </a>
      <header class="bar">
        <span class="brand">
          <Mark />
          Watchword
        </span>
        <nav aria-label="Views">
          {VIEWS.map(({ path, title }) => (
            <a key={path} href={path} aria-current={path === current.path ? 'page' : undefined}>
              {title}
            </a>
          ))}
        </nav>
      </header>
      <Main>{current.content()}</Main>
    </>
  );
}

function Main({ children }: { readonly children: ComponentChildren }): JSX.Element {
  return (
    <main id="content" tabIndex={-1}>
      {children}
    </main>
  );
}

function Mark(): JSX.Element {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <path d="M5 9l5.5 15L16 11l5.5 13L27 9" />
    </svg>
  );
}
