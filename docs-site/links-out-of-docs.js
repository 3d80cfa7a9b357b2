// A remark plugin for links from docs/ to files of the repository that are no pages of the site.
//
// The file, and the heading that the link names, must exist. The link then leads to the file in the
// repository; without `repository`, as in a build on a machine of your own, its text remains.
import fs from 'node:fs';
import path from 'node:path';
import { createSlugger } from '@docusaurus/utils';
import { toString } from 'mdast-util-to-string';
import { visit } from 'unist-util-visit';

const TOP = path.resolve(__dirname, '..');
const DOCS = path.join(TOP, 'docs');

/** Return the path below `folder`, or null for a file elsewhere. */
function below(folder, file) {
  const relative = path.relative(folder, file);
  return relative.startsWith('..') ? null : relative;
}

/** Return the anchors of a Markdown file, as GitHub makes them of its headings. */
function anchors(text) {
  const slugger = createSlugger();
  const prose = text.replace(/^(```|~~~)[\s\S]*?^\1/gm, '');
  return [...prose.matchAll(/^#{1,6} +(.*)$/gm)].map(([, heading]) =>
    slugger.slug(heading.replace(/\[([^\]]*)\]\([^)]*\)|[`*]/g, '$1')),
  );
}

/** Raise an error on the page that has the link, with its line, where the link is broken. */
function check(node, page, file, anchor) {
  if (!fs.existsSync(file)) {
    page.fail(`Broken link: ${node.url} is no file of the repository.`, node);
  }
  if (anchor && !anchors(fs.readFileSync(file, 'utf8')).includes(anchor)) {
    page.fail(`Broken anchor: ${node.url} names no heading of that file.`, node);
  }
}

export default function linksOutOfDocs({ repository }) {
  return (tree, page) => {
    visit(tree, 'link', (node, index, parent) => {
      const [target, anchor] = node.url.split('#');
      if (!target || target.startsWith('/') || /^[a-z][a-z+.-]*:/i.test(target)) return;
      const file = path.resolve(path.dirname(page.path), decodeURIComponent(target));
      if (below(DOCS, file) !== null) return;
      const name = below(TOP, file);
      if (name === null) page.fail(`Broken link: ${node.url} leaves the repository.`, node);
      check(node, page, file, anchor);
      if (repository) {
        node.url = `${repository}/blob/main/${name}${anchor ? `#${anchor}` : ''}`;
      } else {
        parent.children[index] = { type: 'text', value: toString(node) };
      }
    });
  };
}
