/** @type {import('@docusaurus/plugin-content-docs').SidebarsConfig} */
export default {
  docs: ['onboarding', 'ci-smart-build', 'registry-auth'],
};
