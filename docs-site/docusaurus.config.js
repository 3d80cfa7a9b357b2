// The pages of ../docs as a site; `make docs` builds it. A broken link or anchor is an error.
import linksOutOfDocs from './links-out-of-docs.js';

// Where this repository is, such as https://github.com/owner/name; `make docs REPOSITORY=…`.
const repository = process.env.REPOSITORY || '';

/** @type {import('@docusaurus/types').Config} */
export default {
  title: 'pull-recovery',
  tagline: 'Find out why a pod cannot pull its image, fix it, and prove the fix',
  favicon: 'img/favicon.svg',
  url: 'https://pull-recovery.example',
  baseUrl: '/',
  i18n: { defaultLocale: 'en', locales: ['en'] },
  onBrokenLinks: 'throw',
  onBrokenAnchors: 'throw',
  onDuplicateRoutes: 'throw',
  markdown: {
    // The pages are plain Markdown: `{` and `<` in them are text.
    format: 'detect',
    emoji: false,
    hooks: { onBrokenMarkdownLinks: 'throw', onBrokenMarkdownImages: 'throw' },
  },
  future: { v4: true, faster: true },
  plugins: [
    [
      '@docusaurus/plugin-content-docs',
      {
        path: '../docs',
        routeBasePath: '/',
        sidebarPath: './sidebars.js',
        // An ADR keeps its number in its address.
        numberPrefixParser: false,
        beforeDefaultRemarkPlugins: [[linksOutOfDocs, { repository }]],
      },
    ],
  ],
  themes: ['@docusaurus/theme-classic'],
  themeConfig: {
    navbar: {
      title: 'pull-recovery',
      items: [
        { type: 'doc', docId: 'runbook', label: 'Operate', position: 'left' },
        { type: 'doc', docId: 'gate', label: 'Gate', position: 'left' },
        { type: 'doc', docId: 'add-a-fault', label: 'Contribute', position: 'left' },
        ...(repository ? [{ href: repository, label: 'Repository', position: 'right' }] : []),
      ],
    },
    prism: { additionalLanguages: ['bash', 'json', 'python', 'yaml'] },
  },
};
