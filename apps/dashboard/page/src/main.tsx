/** Entry point of the page: which view stands in the address. */
import { render } from 'preact';
import { App } from './app.tsx';
import './style/base.css';
import './style/live.css';
import './style/plan.css';
import './style/inspect.css';

render(<App path={location.pathname} />, document.querySelector('#app')!);
