import './parts/theme.ts';
import { render } from 'preact';
import { loadSession } from './api/session.ts';
import { App, isOurs } from './app.tsx';
import { startFollowing } from './live/current.ts';
import { followLinks } from './router/router.ts';

const page = document.getElementById('page');
if (page) render(<App start={loadSession} />, page);
followLinks(isOurs);
startFollowing();
