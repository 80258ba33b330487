// Makes a picture of every page in both themes and two widths, to be looked at; with SCREENS, a pattern
// of the names of views, of those alone.
import path from "node:path";

import { openSignIn, prepare, signIn, test } from "./site";
import { VIEWS, open, settled } from "./views";

const FOLDER = path.resolve(import.meta.dirname, "../screens");
const SIZES = { 1440: { width: 1440, height: 900 }, 1024: { width: 1024, height: 768 } };

const WANTED = new RegExp(process.env["SCREENS"] ?? "");

test.beforeAll(prepare);

for (const theme of ["light", "dark"] as const) {
  for (const [size, viewport] of Object.entries(SIZES)) {
    test(`pictures, ${theme}, ${size}`, async ({ browser }) => {
      test.setTimeout(300_000);
      const page = await browser.newPage({ viewport, colorScheme: theme });
      const picture = (name: string) =>
        page.screenshot({ path: path.join(FOLDER, `${name}-${theme}-${size}.png`), animations: "disabled" });
      await openSignIn(page);
      await settled(page);
      await picture("sign-in");
      await signIn(page);
      for (const view of VIEWS.filter(({ name }) => WANTED.test(name))) {
        await open(page, view);
        await picture(view.name);
      }
      await page.close();
    });
  }
}
