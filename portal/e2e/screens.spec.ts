// Makes a picture of every page in both themes and two widths, to be looked at.
import path from "node:path";

import { openSignIn, prepare, signIn, test } from "./site";
import { VIEWS, open, settled } from "./views";

const FOLDER = path.resolve(import.meta.dirname, "../screens");
const SIZES = { 1440: { width: 1440, height: 900 }, 1024: { width: 1024, height: 768 } };

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
      for (const view of VIEWS) {
        await open(page, view);
        await picture(view.name);
      }
      await page.close();
    });
  }
}
