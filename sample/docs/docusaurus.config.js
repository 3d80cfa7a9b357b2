// Every broken link stops the build: a page that nobody can reach documents nothing.

/** @type {import('@docusaurus/types').Config} */
export default {
  title: 'hosting-monorepo',
  tagline: 'Building, publishing and running the hosting platform',
  favicon: 'img/favicon.svg',
  url: 'https://docs.bytequester.example',
  baseUrl: '/',
  i18n: { defaultLocale: 'en', locales: ['en'] },
  onBrokenLinks: 'throw',
  onBrokenAnchors: 'throw',
  onDuplicateRoutes: 'throw',
  markdown: {
    hooks: { onBrokenMarkdownLinks: 'throw', onBrokenMarkdownImages: 'throw' },
  },
  future: { v4: true, faster: true },
  plugins: [
    [
      '@docusaurus/plugin-content-docs',
      { routeBasePath: '/', sidebarPath: './sidebars.js', breadcrumbs: false },
    ],
  ],
  themes: ['@docusaurus/theme-classic'],
  themeConfig: {
    navbar: {
      title: 'hosting-monorepo',
      items: [{ type: 'docSidebar', sidebarId: 'docs', label: 'Docs', position: 'left' }],
    },
  },
};
