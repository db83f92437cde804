/** A page of its own: everything it needs is in it, and it asks no network for anything. */
import { readFileSync } from 'node:fs';

import { html, Markup } from './html.js';
import { PAGE_STYLE } from './style.js';

const SCRIPT = new URL('../../assets/report/page.js', import.meta.url);
/** Lets the browser itself refuse whatever is not in the page. */
const POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/** A whole HTML document that opens from disk. Its script runs tabs, legends, sortable tables and galleries. */
export function reportPage(title: string, body: Markup): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${POLICY}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <style>
          ${new Markup(PAGE_STYLE)}
        </style>
      </head>
      <body>
        <main>${body}</main>
        <script>
          ${new Markup(readFileSync(SCRIPT, 'utf8'))};
        </script>
      </body>
    </html> `.text;
}
